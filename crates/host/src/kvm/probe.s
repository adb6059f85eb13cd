# The program of the probe: what a kernel does first, then four letters on the serial port.
# It stands at the end of a firmware of 64 KiB, which the CPU sees at 0xf0000 and runs from its
# last 16 bytes. `probe.bin` is this, assembled:
#   as -o probe.o probe.s && ld -Ttext=0xff00 --oformat=binary -e 0 -o probe.bin probe.o
# Offsets are those in the last 64 KiB: 0xff00 is the start, 0xfff0 where the CPU begins.

    .set rom, 0xf0000
    .set tables, 0x10000

    .code16
start:
    cli
    lgdtl %cs:table_register
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    ljmpl $8, $rom + protected

    .code32
protected:
    movw $16, %ax
    movw %ax, %ds
    # One page of 2 MiB, mapped to itself, through three tables.
    movl $tables + 0x1003, tables
    movl $tables + 0x2003, tables + 0x1000
    movl $0x83, tables + 0x2000
    movl $tables, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orb $0x20, %al
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orb $1, %ah
    wrmsr
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    ljmpl $24, $rom + long

    .code64
long:
    # Too much for an emulator that steps through every instruction.
    movl $0x1000000, %ecx
again:
    decl %ecx
    jnz again
    xorl %eax, %eax
    cpuid
    movl $0x0a6b6f21, %ebx
    movw $0x3f8, %dx
send:
    movb %bl, %al
    outb %al, %dx
    shrl $8, %ebx
    jnz send
stop:
    hlt
    jmp stop

    .balign 8
descriptors:
    .quad 0
    .quad 0x00cf9b000000ffff
    .quad 0x00cf93000000ffff
    .quad 0x00af9b000000ffff
table_register:
    .word 31
    .long rom + descriptors

    .org start + 0xf0
    .code16
    jmp start
    .org start + 0x100
