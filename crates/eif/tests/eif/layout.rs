//! Plans: what can be planned, and what the offsets and the header come to.

use enclair_eif::{Arch, Header, Layout, SectionKind};

use SectionKind::{CommandLine, Kernel, Metadata, Ramdisk, Signature};

fn refusal(sections: &[(SectionKind, u64)]) -> String {
    match Layout::new(Arch::X86_64, sections) {
        Ok(_) => "planned".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn with(ramdisks: usize, rest: &[(SectionKind, u64)]) -> Vec<(SectionKind, u64)> {
    let mut sections = vec![(Kernel, 10), (CommandLine, 20), (Metadata, 30)];
    sections.extend(std::iter::repeat_n((Ramdisk, 40), ramdisks));
    sections.extend(rest);
    sections
}

#[test]
fn offsets_follow_from_the_sizes() {
    let layout = Layout::new(Arch::Aarch64, &with(2, &[(Signature, 50)])).unwrap();
    let rows: Vec<_> = layout
        .sections()
        .iter()
        .map(|s| {
            (
                s.index,
                s.kind,
                s.ramdisk,
                s.header_offset,
                s.data_offset,
                s.size,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (0, Kernel, None, 548, 560, 10),
            (1, CommandLine, None, 570, 582, 20),
            (2, Metadata, None, 602, 614, 30),
            (3, Ramdisk, Some(0), 644, 656, 40),
            (4, Ramdisk, Some(1), 696, 708, 40),
            (5, Signature, None, 748, 760, 50),
        ]
    );
    assert_eq!(layout.file_size(), 810);
    let header = layout.header(7);
    assert_eq!(
        (header.version, header.flags, header.num_sections),
        (4, 1, 6)
    );
    assert_eq!(
        (header.default_mem, header.default_cpus),
        (1_073_741_824, 2)
    );
    assert_eq!(
        header.section_offsets[..7],
        [548, 570, 602, 644, 696, 748, 0]
    );
    assert_eq!(header.section_sizes[..7], [10, 20, 30, 40, 40, 50, 0]);
    assert_eq!(Header::parse(&header.encode()).unwrap(), header);
    assert_eq!(header.arch(), Arch::Aarch64);
}

#[test]
fn there_is_room_for_29_ramdisks_and_28_when_signed() {
    assert_eq!(refusal(&with(29, &[])), "planned");
    assert_eq!(refusal(&with(28, &[(Signature, 1)])), "planned");
    let text = "number of sections at offset 26: expected 1 to 32, found 33";
    assert_eq!(refusal(&with(30, &[])), text);
    assert_eq!(refusal(&with(29, &[(Signature, 1)])), text);
    assert_eq!(
        refusal(&[]),
        "number of sections at offset 26: expected 1 to 32, found 0"
    );
    let error = Layout::new(Arch::X86_64, &with(30, &[])).unwrap_err();
    assert!(
        error
            .hint()
            .unwrap()
            .contains("29 ramdisks, 28 when it is signed")
    );
}

#[test]
fn what_is_missing_double_or_out_of_order_is_named() {
    let rows: [(&[(SectionKind, u64)], &str); 9] = [
        (
            &[(CommandLine, 1), (Metadata, 1), (Ramdisk, 1)],
            "sections: expected a kernel section, found none",
        ),
        (
            &[(Kernel, 1), (Metadata, 1), (Ramdisk, 1)],
            "sections: expected a command line section, found none",
        ),
        (
            &[(Kernel, 1), (CommandLine, 1), (Ramdisk, 1)],
            "sections: expected a metadata section, found none",
        ),
        (
            &[(Kernel, 1), (CommandLine, 1), (Metadata, 1)],
            "sections: expected a ramdisk section, found none",
        ),
        (
            &with(1, &[(Kernel, 1)]),
            "section 4 (kernel) at offset 696: expected one section of this kind, found the first as section 0",
        ),
        (
            &with(1, &[(Metadata, 1)]),
            "section 4 (metadata) at offset 696: expected one section of this kind, found the first as section 2",
        ),
        (
            &with(1, &[(Signature, 1), (Ramdisk, 1)]),
            "section 5 (ramdisk) at offset 709: expected before section 4 (signature), found after it",
        ),
        (
            &[(Kernel, 1), (CommandLine, 1), (Ramdisk, 1), (Metadata, 1)],
            "section 3 (metadata) at offset 587: expected before section 2 (ramdisk), found after it",
        ),
        (
            &[(Kernel, 1), (Metadata, 1), (CommandLine, 1), (Ramdisk, 1)],
            "section 2 (command line) at offset 574: expected before section 1 (metadata), found after it",
        ),
    ];
    for (sections, text) in rows {
        assert_eq!(refusal(sections), text);
    }
}

#[test]
fn sizes_that_no_file_can_have_are_named() {
    assert_eq!(refusal(&with(1, &[(Signature, 32_768)])), "planned");
    assert_eq!(
        refusal(&with(1, &[(Signature, 32_769)])),
        "section 4 (signature) at offset 696: expected at most 32768 bytes, found 32769"
    );
    for size in [u64::MAX, u64::MAX - 12, u64::MAX - 707] {
        assert_eq!(
            refusal(&with(1, &[(Ramdisk, size)])),
            format!(
                "section 4 (ramdisk) at offset 696: expected a file of less than 2^64 bytes, found {size} bytes in this section"
            )
        );
    }
    assert_eq!(refusal(&with(1, &[(Ramdisk, u64::MAX - 708)])), "planned");
}

#[test]
fn architectures_have_the_names_of_the_field() {
    for arch in [Arch::X86_64, Arch::Aarch64] {
        assert_eq!(arch.to_string().parse::<Arch>().unwrap(), arch);
        assert_eq!(serde_json::to_string(&arch).unwrap(), format!("\"{arch}\""));
    }
    assert_eq!(
        "arm64".parse::<Arch>().unwrap_err().to_string(),
        "architecture `arm64`: expected `x86_64` or `aarch64`"
    );
}
