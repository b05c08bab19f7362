//! The recipe for images: linted, and what runs needs no more than what it puts there.

use std::{fs, process::Command};

use super::deploy;
use crate::clients::up::{Folder, binary, root, run, tool};

/// What the C library's image has; every other library would have to be brought along.
const THERE: [&str; 6] =
    ["linux-vdso.so", "libc.so", "libm.so", "libgcc_s.so", "ld-linux", "libdl.so"];

fn lint(text: &str) -> Result<String, String> {
    let folder = Folder::fresh();
    let file = folder.0.join("Containerfile");
    fs::write(&file, text).unwrap();
    let output = Command::new(tool("hadolint")).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}

#[test]
fn the_recipe_passes_the_linter_and_its_faults_do_not() {
    let text = fs::read_to_string(deploy("images/Containerfile")).unwrap();

    lint(&text).unwrap();

    for (was, is) in [
        ("WORKDIR /source", "WORKDIR source"),
        ("ENTRYPOINT [\"devsphere\"]", "ENTRYPOINT devsphere"),
        ("USER 65532:65532", "USER root"),
    ] {
        assert!(text.contains(was));
        assert!(lint(&text.replace(was, is)).is_err(), "{is}");
    }
}

#[test]
fn both_images_run_the_binary_as_a_user_with_a_number() {
    let text = fs::read_to_string(deploy("images/Containerfile")).unwrap();
    let stages: Vec<_> = text.split("\nFROM ").skip(1).collect();
    assert_eq!(stages.len(), 3);
    for stage in &stages[1..] {
        let last: Vec<_> = stage.lines().filter(|line| !line.starts_with('#')).collect();
        let last: Vec<_> = last.into_iter().filter(|line| !line.is_empty()).collect();
        let tail = &last[last.len() - 3..];
        let expected = [
            "COPY --from=build /usr/bin/devsphere /usr/bin/devsphere",
            "USER 65532:65532",
            "ENTRYPOINT [\"devsphere\"]",
        ];
        assert_eq!(tail, expected);
    }
    assert!(stages[2].contains("AS devsphere") && !stages[2].contains("RUN"), "the last is bare");
}

#[test]
fn the_binary_needs_the_c_library_and_nothing_else() {
    let needed = run(Command::new("ldd").arg(binary())).unwrap();

    for line in needed.lines() {
        assert!(THERE.iter().any(|library| line.contains(library)), "{line}");
    }
}

#[test]
fn a_build_is_given_what_it_needs_and_no_keys() {
    let text = fs::read_to_string(deploy("images/Containerfile.dockerignore")).unwrap();
    let let_in: Vec<_> = text.lines().filter_map(|line| line.strip_prefix('!')).collect();

    assert!(text.lines().any(|line| line == "*"), "everything else stays out");
    for path in &let_in {
        assert!(root().join(path).exists(), "{path}");
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = manifest.lines().find(|line| line.starts_with("members")).unwrap();
    for member in members.split('"').skip(1).step_by(2) {
        let member = member.trim_end_matches("/*");
        assert!(let_in.contains(&member), "the workspace needs {member}");
    }
}
