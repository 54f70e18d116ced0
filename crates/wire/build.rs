//! Compiles `proto/` without protoc: messages, clients and servers, and the descriptor set that reflection and protobuf
//! JSON read at run time.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    // Asked at run time: a build directory may be shared by several clones, and a constant would be of the first one.
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    // Cargo looks at everything below; not `proto/` itself, where the lint's tools may be installed.
    println!("cargo::rerun-if-changed={}", root.join("hutong").display());
    println!("cargo::rerun-if-changed=build.rs");

    let mut files = Vec::new();
    collect_protos(&root.join("hutong"), &mut files)?;
    // Directory order differs between file systems; the descriptor set is the same everywhere.
    files.sort();

    let descriptors = protox::compile(&files, [&root])?;
    tonic_prost_build::configure().build_transport(false).compile_fds(descriptors.clone())?;

    let mut without_comments = descriptors;
    for file in &mut without_comments.file {
        file.source_code_info = None;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("descriptor.binpb"), without_comments.encode_to_vec())?;
    Ok(())
}

fn collect_protos(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_protos(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
