//! Every reason that a contract's comment names is a code that somebody can answer, with the gRPC code it says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use domain::rejection::RejectionCode;
use prost_reflect::DescriptorPool;
use tonic::Code;
use wire::names::StableCode;
use wire::status::{ApiCode, grpc_code};

const GRPC_CODES: &[(&str, Code)] = &[
    ("INVALID_ARGUMENT", Code::InvalidArgument),
    ("OUT_OF_RANGE", Code::OutOfRange),
    ("NOT_FOUND", Code::NotFound),
    ("ALREADY_EXISTS", Code::AlreadyExists),
    ("FAILED_PRECONDITION", Code::FailedPrecondition),
    ("DEADLINE_EXCEEDED", Code::DeadlineExceeded),
    ("RESOURCE_EXHAUSTED", Code::ResourceExhausted),
    ("UNAVAILABLE", Code::Unavailable),
];

fn grpc_code_named(word: &str) -> Option<Code> {
    GRPC_CODES.iter().find(|(name, _)| *name == word).map(|(_, code)| *code)
}

/// Which gRPC code a reason has: from the domain's table or from the list of the service's own.
fn answered_with(reason: &str) -> Option<Code> {
    let of_domain = RejectionCode::ALL.iter().find(|code| code.name() == reason).map(|code| grpc_code(*code));
    let of_service = || ApiCode::ALL.iter().find(|code| code.name() == reason).map(|code| code.grpc_code());
    of_domain.or_else(of_service)
}

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/hutong");
    let entries =
        |path: PathBuf| std::fs::read_dir(path).expect("readable").map(|entry| entry.expect("readable").path());
    entries(root).flat_map(|area| entries(area.join("v1"))).collect()
}

/// The words of every comment, in order; what is not part of a word separates them.
fn words_of_comments(text: &str) -> Vec<String> {
    let comments = text.lines().filter_map(|line| line.split_once("//")).map(|(_, comment)| comment);
    let separator = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    comments.flat_map(|comment| comment.split(separator)).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

fn is_upper_snake(word: &str) -> bool {
    word.contains('_')
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && !word.chars().any(|c| c.is_ascii_lowercase())
}

/// Values of the contracts' enums, with and without the prefix that repeats the enum's name.
fn enum_words() -> BTreeSet<String> {
    let pool = DescriptorPool::decode(wire::FILE_DESCRIPTOR_SET).expect("the embedded descriptors decode");
    let mut words = BTreeSet::new();
    for each in pool.all_enums() {
        let zero = each.get_value(0).expect("every enum has a zero").name().to_owned();
        let prefix = zero.strip_suffix("UNSPECIFIED").unwrap_or("").to_owned();
        for value in each.values() {
            words.insert(value.name().to_owned());
            words.extend(value.name().strip_prefix(&prefix).map(str::to_owned));
        }
    }
    words
}

#[test]
fn every_code_in_a_comment_is_one_of_the_domain_or_of_the_service() {
    let enum_words = enum_words();
    let mut unknown = BTreeMap::new();
    for file in files() {
        let text = std::fs::read_to_string(&file).expect("readable");
        for word in words_of_comments(&text).into_iter().filter(|word| is_upper_snake(word)) {
            let known = enum_words.contains(&word)
                || grpc_code_named(&word).is_some()
                || StableCode::from_name(&word).is_some()
                || ApiCode::ALL.iter().any(|code| code.name() == word);
            if !known {
                unknown.insert(word, file.clone());
            }
        }
    }
    assert!(unknown.is_empty(), "neither a code of the domain nor in wire::status::ApiCode: {unknown:#?}");
}

#[test]
fn a_comment_says_the_grpc_code_that_the_reason_is_answered_with() {
    let mut pairs = 0;
    for file in files() {
        let text = std::fs::read_to_string(&file).expect("readable");
        for pair in words_of_comments(&text).windows(2) {
            let Some(said) = grpc_code_named(&pair[0]) else { continue };
            pairs += 1;
            assert_eq!(answered_with(&pair[1]), Some(said), "{} {} in {}", pair[0], pair[1], file.display());
        }
    }
    assert!(pairs > 30, "only {pairs} reasons with a gRPC code were found");
}

#[test]
fn every_code_of_the_service_is_named_in_a_contract_and_not_the_domains() {
    let texts: Vec<String> = files().iter().map(|file| std::fs::read_to_string(file).expect("readable")).collect();
    let named: BTreeSet<String> = texts.iter().flat_map(|text| words_of_comments(text)).collect();
    let mut seen = BTreeSet::new();
    for &code in ApiCode::ALL {
        assert!(named.contains(code.name()), "{} is in no contract", code.name());
        assert_eq!(StableCode::from_name(code.name()), None, "the domain has {}", code.name());
        assert!(seen.insert(code.name()), "{} is there twice", code.name());
        assert!(code.english().is_ascii() && !code.chinese().is_ascii(), "{}", code.name());
    }
}
