//! Outputs in the forms that versions 1.1 to 1.4 of `nitro-cli` print, as users have published them,
//! with ids of our own.

use enclair_eif::Pcr;
use proptest::prelude::*;

use super::*;

const STARTED: &str = r#"{
  "EnclaveName": "app",
  "EnclaveID": "i-0a1b2c3d4e5f60718-enc192fc732d6e4e41",
  "ProcessID": 14424,
  "EnclaveCID": 88,
  "NumberOfCPUs": 2,
  "CPUIDs": [
    1,
    3
  ],
  "MemoryMiB": 512
}
"#;

const DESCRIBED: &str = r#"[
  {
    "EnclaveName": "other",
    "EnclaveID": "i-0a1b2c3d4e5f60718-enc192fc732d6e4e40",
    "ProcessID": 14001,
    "EnclaveCID": 16,
    "NumberOfCPUs": 2,
    "CPUIDs": [5, 7],
    "MemoryMiB": 256,
    "State": "RUNNING",
    "Flags": "NONE"
  },
  {
    "EnclaveName": "app",
    "EnclaveID": "i-0a1b2c3d4e5f60718-enc192fc732d6e4e41",
    "ProcessID": 14424,
    "EnclaveCID": 88,
    "NumberOfCPUs": 2,
    "CPUIDs": [1, 3],
    "MemoryMiB": 512,
    "State": "RUNNING",
    "Flags": "DEBUG_MODE",
    "Measurements": {
      "HashAlgorithm": "Sha384 { ... }",
      "PCR0": "0B52",
      "PCR1": "0343",
      "PCR2": "28ef"
    },
    "ImageName": "app",
    "Metadata": {"BuildTool": "enclair", "DockerInfo": null}
  }
]
"#;

fn failure<T: std::fmt::Debug>(result: Result<T, NitroError>) -> String {
    let error = anyhow_chain(&result.unwrap_err());
    error.join(": ")
}

fn anyhow_chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    texts.extend(error.source().into_iter().flat_map(anyhow_chain));
    texts
}

#[test]
fn what_was_started_is_read_from_every_form() {
    let started = parse_started(STARTED.as_bytes()).unwrap();
    assert_eq!(started.id, "i-0a1b2c3d4e5f60718-enc192fc732d6e4e41");
    assert_eq!(
        (started.cid, started.cpus, started.memory_mib),
        (88, 2, 512)
    );
    assert_eq!(started.process.get(), Some(14424));
    // Before names, as the vendor's pages have the process, and with the program's own words.
    let old = STARTED.replace("  \"EnclaveName\": \"app\",\n", "");
    let text = STARTED.replace("14424", "\"14424\"");
    let words = format!(
        "Start allocating memory...\nStarted enclave with enclave-cid: 88, memory: 512 MiB, \
         cpu-ids: [1, 3]\n{STARTED}"
    );
    for form in [old, text, words] {
        assert_eq!(
            parse_started(form.as_bytes()).unwrap().process.get(),
            Some(14424),
            "{form}"
        );
    }
}

#[test]
fn what_is_missing_or_no_enclaves_is_named() {
    for (field, rest) in [
        ("EnclaveID", "EnclaveId"),
        ("EnclaveCID", "Cid"),
        ("ProcessID", "Pid"),
        ("MemoryMiB", "Memory"),
    ] {
        let text = STARTED.replace(field, rest);
        let message = failure(parse_started(text.as_bytes()));
        assert!(
            message.starts_with("the answer of `nitro-cli run-enclave` has another form")
                && message.contains(&format!("missing field `{field}`")),
            "{message}"
        );
    }
    for cid in [0, 3, u32::MAX] {
        let text = STARTED.replace("88", &cid.to_string());
        let error = parse_started(text.as_bytes()).unwrap_err();
        assert!(matches!(error, NitroError::Cid { found } if found == cid));
    }
    let text = STARTED.replace("i-0a1b2c3d4e5f60718-enc", "--all");
    assert!(matches!(
        parse_started(text.as_bytes()),
        Err(NitroError::Id { .. })
    ));
    for number in ["-1", "0", "\"x\""] {
        let text = STARTED.replace("14424", number);
        assert_eq!(parse_started(text.as_bytes()).unwrap().process.get(), None);
    }
    for text in ["", "no json", "{", "[]", "{}", "null", "[[[["] {
        parse_started(text.as_bytes()).unwrap_err();
    }
}

#[test]
fn a_description_says_how_an_enclave_runs() {
    let all: Vec<Described> = parse("describe-enclaves", DESCRIBED.as_bytes()).unwrap();
    let [other, app] = all.as_slice() else {
        panic!("two enclaves");
    };
    assert_eq!((other.is_debug(), app.is_debug()), (false, true));
    assert_eq!(other.registers, None);
    assert_eq!(app.registers.as_ref().unwrap().pcr1, "0343");
    assert_eq!((app.cid, app.state.as_str()), (88, "RUNNING"));
    assert_eq!(app.name.as_deref(), Some("app"));
    let none: Vec<Described> = parse("describe-enclaves", b"[]\n").unwrap();
    assert_eq!(none, []);
}

#[test]
fn the_end_is_what_the_program_says() {
    let text = "Successfully terminated enclave i-1-enc2.\n{\n  \"EnclaveName\": \"app\",\n  \
                \"EnclaveID\": \"i-1-enc2\",\n  \"Terminated\": true\n}\n";
    let answer: Terminated = parse("terminate-enclave", text.as_bytes()).unwrap();
    assert!(answer.terminated && answer.id == "i-1-enc2");
}

#[test]
fn registers_are_compared_one_by_one() {
    let computed = Measurements {
        pcr0: Pcr::from_bytes([0xab; 48]),
        pcr1: Pcr::from_bytes([1; 48]),
        pcr2: Pcr::from_bytes([2; 48]),
    };
    let same = Registers {
        pcr0: "AB".repeat(48),
        pcr1: "01".repeat(48),
        pcr2: "02".repeat(48),
    };
    same.compare(&computed).unwrap();
    for register in ["PCR0", "PCR1", "PCR2"] {
        let mut other = same.clone();
        let value = match register {
            "PCR0" => &mut other.pcr0,
            "PCR1" => &mut other.pcr1,
            _ => &mut other.pcr2,
        };
        *value = "00".repeat(4096);
        let error = other.compare(&computed).unwrap_err();
        let NitroError::Differs {
            register: named,
            reported,
            ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!((*named, reported.len()), (register, 128));
    }
    // A beginning is not the register.
    let mut short = same;
    short.pcr2.truncate(8);
    short.compare(&computed).unwrap_err();
}

proptest! {
    #[test]
    fn no_output_is_more_than_an_error(bytes: Vec<u8>, cut in 0..STARTED.len(), byte: u8) {
        drop(parse_started(&bytes));
        let mut text = STARTED.as_bytes().to_vec();
        text[cut] = byte;
        drop(parse_started(&text));
        text.truncate(cut);
        drop(parse_started(&text));
    }
}
