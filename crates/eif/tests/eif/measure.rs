//! The measurements: against the definition, in two lanes, and how often a byte is digested.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use enclair_digest::{Engine, Hasher, PureRust, Sha256, Sha384};
use enclair_eif::measure::{ApplicationLane, WholeLane, join};
use enclair_eif::{Inline, Measure, Measured, Pcr, SectionKind};

use crate::image::{COMMAND_LINE, KERNEL, Part, RAMDISK, plain, ramdisk, signed};

pub(crate) fn sha384(parts: &[&[u8]]) -> Sha384 {
    let mut hasher = PureRust.sha384();
    for part in parts {
        Hasher::update(&mut hasher, part);
    }
    hasher.finish()
}

/// The registers by their definition: content first, then extended once.
pub(crate) fn by_definition(parts: &[Part]) -> Measured {
    let of = |wanted: &dyn Fn(u16, usize) -> bool| {
        let mut ramdisks = 0;
        let mut content = Vec::new();
        for (number, data) in parts {
            if wanted(*number, ramdisks) {
                content.extend_from_slice(data);
            }
            ramdisks += usize::from(*number == RAMDISK);
        }
        Pcr::from_bytes(*sha384(&[&[0; 48], sha384(&[&content]).as_bytes()]).as_bytes())
    };
    let system = |number| [KERNEL, COMMAND_LINE].contains(&number);
    Measured {
        measurements: enclair_eif::Measurements {
            pcr0: of(&|number, _| system(number) || number == RAMDISK),
            pcr1: of(&|number, before| system(number) || number == RAMDISK && before == 0),
            pcr2: of(&|number, before| number == RAMDISK && before > 0),
        },
        sections: parts.iter().map(|(_, data)| sha384(&[data])).collect(),
    }
}

pub(crate) fn feed<M: Measure>(mut measure: M, parts: &[Part], piece: usize) -> Measured {
    for (number, data) in parts {
        measure.section(SectionKind::from_type(*number).unwrap());
        data.chunks(piece).for_each(|bytes| measure.update(bytes));
    }
    measure.finish()
}

#[test]
fn the_registers_are_those_of_the_definition() {
    let mut many = plain();
    many.extend([ramdisk("third"), ramdisk(""), ramdisk("fifth")]);
    for parts in [plain(), signed(), many, plain()[..4].to_vec()] {
        for piece in [1, 5, 1000] {
            let measured = feed(Inline::new(&PureRust), &parts, piece);
            assert_eq!(measured, by_definition(&parts));
        }
    }
}

#[test]
fn two_lanes_apart_give_what_one_thread_gives() {
    let mut parts = signed();
    parts.insert(5, ramdisk("third"));
    let (mut whole, mut application) = (WholeLane::new(&PureRust), ApplicationLane::new(&PureRust));
    for (number, data) in &parts {
        let kind = SectionKind::from_type(*number).unwrap();
        whole.section(kind);
        application.section(kind);
        data.chunks(3).for_each(|bytes| whole.update(bytes));
        data.chunks(7).for_each(|bytes| application.update(bytes));
    }
    let joined = join(whole.finish(), application.finish());
    assert_eq!(joined, feed(Inline::new(&PureRust), &parts, 100));
}

#[test]
fn with_one_ramdisk_pcr1_is_pcr0_and_pcr2_is_the_empty_register() {
    let pcrs = feed(Inline::new(&PureRust), &plain()[..4], 100).measurements;
    assert_eq!(pcrs.pcr0, pcrs.pcr1);
    assert_eq!(pcrs.pcr2, Pcr::EMPTY);
    assert_eq!(Pcr::EMPTY, Pcr::extend_once(&PureRust, sha384(&[])));
    assert_eq!(
        Pcr::EMPTY.to_string(),
        "21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c\
         10edb30948c90ba67310f7b964fc500a"
    );
}

/// The format's own weakness, so that nobody takes the registers for more than they are.
#[test]
fn bytes_moved_across_a_boundary_leave_the_registers_and_change_the_section_digests() {
    let before = feed(Inline::new(&PureRust), &plain(), 100);
    let mut parts = plain();
    let moved = parts[0].1.pop().unwrap();
    parts[1].1.insert(0, moved);
    let moved = parts[1].1.pop().unwrap();
    parts[3].1.insert(0, moved);
    let after = feed(Inline::new(&PureRust), &parts, 100);
    assert_eq!(before.measurements, after.measurements);
    for section in [0, 1, 3] {
        assert_ne!(before.sections[section], after.sections[section]);
    }
    assert_eq!(before.sections[4], after.sections[4]);
}

#[test]
fn metadata_and_signature_are_digested_and_not_measured() {
    let before = feed(Inline::new(&PureRust), &signed(), 100);
    let mut parts = signed();
    parts[2].1.push(b' ');
    parts[5].1[40] ^= 1;
    let after = feed(Inline::new(&PureRust), &parts, 100);
    assert_eq!(before.measurements, after.measurements);
    assert_ne!(before.sections[2], after.sections[2]);
    assert_ne!(before.sections[5], after.sections[5]);
}

#[test]
fn registers_have_one_text() {
    let text = Pcr::EMPTY.to_string();
    assert_eq!(text.to_uppercase().parse::<Pcr>().unwrap(), Pcr::EMPTY);
    assert_eq!(format!("{:?}", Pcr::EMPTY), format!("pcr:{text}"));
    let measured = feed(Inline::new(&PureRust), &plain()[..4], 100).measurements;
    let json = serde_json::to_value(measured).unwrap();
    assert_eq!(json["PCR2"], text);
    assert_eq!(json["PCR0"], measured.pcr0.to_string());
    assert_eq!(
        serde_json::from_value::<enclair_eif::Measurements>(json).unwrap(),
        measured
    );
}

/// Counts the bytes that all of its SHA-384 hashers get.
#[derive(Debug, Clone, Default)]
struct Counting(Arc<AtomicU64>);

#[derive(Debug, Clone)]
struct CountingHasher(Arc<AtomicU64>, <PureRust as Engine>::Sha384);

impl Hasher for CountingHasher {
    type Output = Sha384;

    fn update(&mut self, bytes: &[u8]) {
        self.0.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Hasher::update(&mut self.1, bytes);
    }

    fn finish(self) -> Sha384 {
        self.1.finish()
    }
}

impl Engine for Counting {
    type Sha256 = <PureRust as Engine>::Sha256;
    type Sha384 = CountingHasher;

    fn sha256(&self) -> Self::Sha256 {
        PureRust.sha256()
    }

    fn sha384(&self) -> Self::Sha384 {
        CountingHasher(Arc::clone(&self.0), PureRust.sha384())
    }
}

/// Bytes that are digested for these sections, without those of the registers themselves.
fn cost(parts: &[Part]) -> u64 {
    let engine = Counting::default();
    feed(Inline::new(&engine), parts, 100);
    engine.0.load(Ordering::Relaxed) - 3 * 96
}

#[test]
fn with_two_ramdisks_no_byte_is_digested_more_than_twice_and_the_kernel_once() {
    let grown = |index: usize| {
        let mut parts = plain();
        parts[index].1.extend([0; 1000]);
        cost(&parts) - cost(&plain())
    };
    assert_eq!([0, 1, 2, 3, 4].map(grown), [1000, 2000, 1000, 2000, 2000]);
}

#[test]
fn the_sha256_of_the_counting_engine_is_not_a_stub() {
    let empty: Sha256 = Hasher::finish(Counting::default().sha256());
    assert!(empty.to_string().starts_with("e3b0c442"));
}
