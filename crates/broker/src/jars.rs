//! Where the jars are kept: beside what cargo builds, for a program that stands there, and otherwise where programs of this
//! user keep what they can fetch again. Under a name that changes with their list.

use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::{Error, recipe, text};

/// The directory with the jars, filled if need be.
pub(crate) fn kept(directory: &Path) -> Result<PathBuf, Error> {
    let mut hash = DefaultHasher::new();
    recipe::POM.hash(&mut hash);
    let place = beside_the_build().or_else(of_the_user).ok_or(Error::NoPlace)?;
    let jars = place.join("kafka").join(format!("{:016x}", hash.finish()));
    recipe::run(directory, &["jars", text(&jars)?])?;
    Ok(jars)
}

/// The target directory above this program: cargo marks it.
fn beside_the_build() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    let target = program.ancestors().skip(1).find(|above| above.join("CACHEDIR.TAG").is_file());
    target.map(Path::to_path_buf)
}

fn of_the_user() -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))?;
    cache.is_absolute().then(|| cache.join("hutong"))
}
