//! The files that run Hutong somewhere: read here as systemd and a container engine would read them, started nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use house::{files, read, root};

/// The verbs a deployment may start: those that stay up.
const SERVICE_VERBS: &[&str] = &["serve"];

/// What the service may write to, and where in it the ledger lies: its high-water mark is beside it.
const STATE_DIRECTORY: &str = "/var/lib/hutong";
const DATA_DIRECTORY: &str = "/var/lib/hutong/ledger";

// === systemd ===

const UNIT_KEYS: &[&str] =
    &["After", "Description", "Documentation", "StartLimitBurst", "StartLimitIntervalSec", "Wants"];

const INSTALL_KEYS: &[&str] = &["WantedBy"];

/// The keys of `systemd.service`, `systemd.exec`, `systemd.kill` and `systemd.resource-control` that are in use here. A
/// key that systemd does not know is only a warning in its journal: this list is what makes a misspelt one an error.
const SERVICE_KEYS: &[&str] = &[
    "AmbientCapabilities",
    "CapabilityBoundingSet",
    "DynamicUser",
    "EnvironmentFile",
    "ExecStart",
    "Group",
    "KillSignal",
    "LimitNOFILE",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "NoNewPrivileges",
    "NotifyAccess",
    "PrivateDevices",
    "PrivateTmp",
    "PrivateUsers",
    "ProcSubset",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHome",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "ProtectProc",
    "ProtectSystem",
    "RemoveIPC",
    "Restart",
    "RestartPreventExitStatus",
    "RestartSec",
    "RestrictAddressFamilies",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "StateDirectory",
    "StateDirectoryMode",
    "SystemCallArchitectures",
    "SystemCallErrorNumber",
    "SystemCallFilter",
    "TimeoutStartSec",
    "TimeoutStopSec",
    "Type",
    "UMask",
    "User",
    "WatchdogSec",
];

/// Section and key to values, in the order of the file.
type Unit = BTreeMap<(String, String), Vec<String>>;

fn parse_unit(text: &str) -> Result<Unit, String> {
    let mut unit = Unit::new();
    let mut section = None;
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = Some(name.to_owned());
            continue;
        }
        let (key, value) = line.split_once('=').ok_or(format!("line {number}: neither a section nor KEY=VALUE"))?;
        let section = section.clone().ok_or(format!("line {number}: a key before the first section"))?;
        let known = match section.as_str() {
            "Unit" => UNIT_KEYS,
            "Service" => SERVICE_KEYS,
            "Install" => INSTALL_KEYS,
            other => return Err(format!("line {number}: unknown section [{other}]")),
        };
        if !known.contains(&key) {
            return Err(format!("line {number}: [{section}] has no key `{key}`"));
        }
        unit.entry((section, key.to_owned())).or_default().push(value.to_owned());
    }
    Ok(unit)
}

fn unit() -> Unit {
    parse_unit(&read("deploy/hutong.service")).unwrap_or_else(|error| panic!("deploy/hutong.service: {error}"))
}

fn service<'a>(unit: &'a Unit, key: &str) -> &'a str {
    match unit.get(&("Service".to_owned(), key.to_owned())).map(Vec::as_slice) {
        Some([value]) => value,
        other => panic!("deploy/hutong.service: [Service] {key} stands once, found {other:?}"),
    }
}

#[test]
fn the_unit_starts_the_binary_on_the_directory_that_systemd_makes() {
    let unit = unit();
    let words: Vec<_> = service(&unit, "ExecStart").split_whitespace().collect();
    let [binary, verb, "--data-dir", directory] = words.as_slice() else { panic!("ExecStart: {words:?}") };
    assert_eq!(*binary, "/usr/bin/hutong");
    assert!(SERVICE_VERBS.contains(verb), "`{verb}` does not stay up");
    assert_eq!(*directory, DATA_DIRECTORY);
    assert_eq!(format!("/var/lib/{}", service(&unit, "StateDirectory")), STATE_DIRECTORY);
}

#[test]
fn the_unit_does_not_restart_what_a_person_has_to_look_at() {
    let unit = unit();
    assert_eq!(service(&unit, "Restart"), "on-failure");
    let refused: BTreeSet<_> = service(&unit, "RestartPreventExitStatus").split_whitespace().collect();
    assert_eq!(refused, BTreeSet::from(["2", "4"]), "wrong usage and refused data");
}

#[test]
fn the_unit_keeps_its_hardening() {
    let unit = unit();
    let wanted = [
        ("CapabilityBoundingSet", ""),
        ("DynamicUser", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("NoNewPrivileges", "yes"),
        ("PrivateDevices", "yes"),
        ("PrivateTmp", "yes"),
        ("ProtectHome", "yes"),
        ("ProtectKernelModules", "yes"),
        ("ProtectKernelTunables", "yes"),
        ("ProtectSystem", "strict"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("RestrictSUIDSGID", "yes"),
        ("SystemCallArchitectures", "native"),
    ];
    for (key, value) in wanted {
        assert_eq!(service(&unit, key), value, "{key}");
    }
}

#[test]
fn a_misspelt_key_of_a_unit_is_an_error() {
    assert!(
        parse_unit("[Service]\nProtectSystems=strict\n").is_err_and(|error| error.contains("no key `ProtectSystems`"))
    );
    assert!(parse_unit("[Services]\nUser=x\n").is_err_and(|error| error.contains("[Services]")));
    assert!(parse_unit("User=x\n").is_err_and(|error| error.contains("before the first section")));
}

// === the image ===

#[derive(Debug)]
struct Instruction {
    line: usize,
    name: String,
    arguments: String,
}

const INSTRUCTIONS: &[&str] = &[
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "LABEL",
    "RUN",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

fn parse_dockerfile(text: &str) -> Result<Vec<Instruction>, String> {
    let mut instructions: Vec<Instruction> = Vec::new();
    let mut goes_on = false;
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let piece = line.strip_suffix('\\').unwrap_or(line).trim_end();
        if goes_on {
            let last = instructions.last_mut().expect("a line goes on only after an instruction");
            last.arguments.push(' ');
            last.arguments.push_str(piece);
        } else {
            let (name, arguments) = piece.split_once(' ').ok_or(format!("line {number}: no arguments"))?;
            if !INSTRUCTIONS.contains(&name) {
                return Err(format!("line {number}: `{name}` is not an instruction in use here"));
            }
            instructions.push(Instruction {
                line: number,
                name: name.to_owned(),
                arguments: arguments.trim().to_owned(),
            });
        }
        goes_on = line.ends_with('\\');
    }
    if goes_on { Err("the last line goes on".to_owned()) } else { Ok(instructions) }
}

fn dockerfile() -> Vec<Instruction> {
    parse_dockerfile(&read("deploy/Dockerfile")).unwrap_or_else(|error| panic!("deploy/Dockerfile: {error}"))
}

/// The instructions of the last stage: what the image is.
fn final_stage(instructions: &[Instruction]) -> &[Instruction] {
    let start = instructions.iter().rposition(|instruction| instruction.name == "FROM").expect("an image has a base");
    &instructions[start..]
}

fn last<'a>(stage: &'a [Instruction], name: &str) -> &'a str {
    let found = stage.iter().rev().find(|instruction| instruction.name == name);
    &found.unwrap_or_else(|| panic!("deploy/Dockerfile: the final stage has no {name}")).arguments
}

fn list(arguments: &str) -> Vec<String> {
    serde_json::from_str(arguments).unwrap_or_else(|error| panic!("`{arguments}` is not the list form: {error}"))
}

/// The options of a `COPY` and its sources, without the destination.
fn copied(arguments: &str) -> (Option<&str>, Vec<&str>) {
    let (options, mut paths): (Vec<_>, Vec<_>) = arguments.split_whitespace().partition(|word| word.starts_with("--"));
    paths.pop();
    (options.into_iter().find_map(|option| option.strip_prefix("--from=")), paths)
}

#[test]
fn the_image_is_built_from_stages_that_exist_and_bases_with_a_version() {
    let mut stages = BTreeSet::new();
    for instruction in dockerfile() {
        let words: Vec<_> = instruction.arguments.split_whitespace().collect();
        match instruction.name.as_str() {
            "FROM" => {
                let (_, tag) = words[0].rsplit_once(':').unwrap_or((words[0], "latest"));
                assert!(
                    tag != "latest" || stages.contains(words[0]),
                    "line {}: no version: {}",
                    instruction.line,
                    words[0]
                );
                if let [_, "AS", stage] = words[..] {
                    stages.insert(stage.to_owned());
                }
            }
            "COPY" => {
                if let (Some(stage), _) = copied(&instruction.arguments) {
                    assert!(stages.contains(stage), "line {}: no stage `{stage}` above", instruction.line);
                }
            }
            _ => {}
        }
    }
    assert!(!stages.is_empty(), "the binary is built in a stage of its own");
}

#[test]
fn the_image_copies_what_the_tree_has_and_its_ignore_file_lets_through() {
    let let_through = read("deploy/Dockerfile.dockerignore");
    let let_through: BTreeSet<_> = let_through.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let instructions = dockerfile();
    for instruction in instructions.iter().filter(|instruction| instruction.name == "COPY") {
        let (None, sources) = copied(&instruction.arguments) else { continue };
        for source in sources {
            assert!(root().join(source).exists(), "line {}: the tree has no `{source}`", instruction.line);
            assert!(
                let_through.contains(source),
                "line {}: Dockerfile.dockerignore hides `{source}`",
                instruction.line
            );
        }
    }
}

#[test]
fn the_image_does_not_run_as_root_and_starts_the_binary() {
    let instructions = dockerfile();
    let stage = final_stage(&instructions);
    let user = last(stage, "USER").split(':').next().unwrap_or_default();
    assert!(user != "root" && user != "0", "USER {user}");
    assert_eq!(list(last(stage, "ENTRYPOINT")), ["/usr/bin/hutong"]);
    assert_eq!(list(last(stage, "VOLUME")), [STATE_DIRECTORY]);
    assert!(stage.iter().any(|found| found.name == "COPY" && found.arguments.ends_with(" /usr/bin/hutong")));
    let command = list(last(stage, "CMD"));
    let [verb, "--data-dir", DATA_DIRECTORY] = command.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
        panic!("CMD {command:?}")
    };
    assert!(SERVICE_VERBS.contains(&verb), "`{verb}` does not stay up");
}

#[test]
fn the_image_is_built_with_the_release_profile_and_the_locked_versions() {
    let instructions = dockerfile();
    let builds = instructions.iter().filter(|instruction| instruction.arguments.contains("cargo build"));
    for build in builds {
        for option in ["--release", "--locked"] {
            assert!(build.arguments.contains(option), "line {}: cargo build without {option}", build.line);
        }
    }
}

#[test]
fn an_unknown_instruction_is_an_error() {
    assert!(parse_dockerfile("FORM x:1\n").is_err_and(|error| error.contains("`FORM`")));
    assert!(parse_dockerfile("RUN a \\\n").is_err_and(|error| error.contains("goes on")));
    let two_lines = parse_dockerfile("RUN a \\\n  # why\n  && b\n").expect("a comment may stand between two lines");
    assert_eq!(two_lines[0].arguments, "a && b");
}

// === runbooks ===

const RUNBOOK_HEADINGS: &[&str] = &["## What it means", "## How to confirm", "## What to do", "## What not to do"];

fn is_code(name: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    name.starts_with(|first: char| first.is_ascii_uppercase()) && name.split('_').all(word)
}

#[test]
fn every_runbook_is_named_by_a_code_and_answers_the_four_questions() {
    let pages = files().into_iter().filter(|path| path.starts_with("deploy/runbooks") && !path.ends_with("README.md"));
    for page in pages {
        let name = page.file_stem().unwrap_or_default().to_string_lossy();
        assert!(is_code(&name) && page.extension() == Some("md".as_ref()), "{}: not CODE.md", page.display());
        let text = read(&page);
        let headings: Vec<_> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, RUNBOOK_HEADINGS, "{}", page.display());
    }
    assert!(root().join(Path::new("deploy/runbooks/README.md")).exists());
}

#[test]
fn every_code_that_stops_the_service_has_a_runbook() {
    let codes = read("crates/ingest/src/codes.rs");
    let codes = codes.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
    let of_store = read("crates/store/src/error.rs");
    let of_store = of_store.lines().filter_map(|line| line.split("Some(\"").nth(1)?.split('"').next());
    let codes: BTreeSet<_> = codes.chain(of_store).collect();
    assert!(codes.contains("LOG_CUT"), "{codes:?}");
    let missing: Vec<_> =
        codes.into_iter().filter(|code| !root().join(format!("deploy/runbooks/{code}.md")).exists()).collect();
    assert!(missing.is_empty(), "no page for {missing:?}");
}

#[test]
fn a_code_is_capital_words_joined_by_underscores() {
    for code in ["CORRIDOR_CLOSED", "STALE", "J8A_UNMATCHED"] {
        assert!(is_code(code), "{code}");
    }
    for name in ["corridor_closed", "_STALE", "STALE_", "8_BALL", "A__B", ""] {
        assert!(!is_code(name), "{name}");
    }
}
