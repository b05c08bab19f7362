//! Random secrets, and files that only their owner reads.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Capitals and digits without those that look alike (0 and O, 1 and I).
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// 256 random bits, as text that needs no quoting anywhere.
pub(crate) fn password() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// 80 random bits for people to read and type, as in `3N7Q-9XKD-FT2M-WZ8R`.
pub(crate) fn code() -> Result<String> {
    let letters = random::<16>()?.map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}

/// The file's text, made and written if it is missing.
pub(crate) fn read_or_make(path: &Path, make: impl FnOnce() -> Result<String>) -> Result<String> {
    if let Some(text) = read(path)? {
        return Ok(text);
    }
    let text = make()?;
    write(path, &text)?;
    Ok(text)
}

/// The file's text without the line's end; none if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim_end().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The text of a file that somebody else put there, and that nobody else reads: its owner alone, or
/// root and the group that root gave it to.
pub(crate) fn read_closed(path: &Path) -> Result<String> {
    let shown = path.display();
    let text = read(path)?.with_context(|| format!("{shown} is missing"))?;
    let found = fs::metadata(path).with_context(|| format!("cannot read {shown}"))?;
    let (mode, off) = (found.mode() & 0o7777, if found.uid() == 0 { 0o037 } else { 0o077 });
    ensure!(mode & off == 0, "{shown} has mode {mode:o}, which lets others in: chmod 600 {shown}");
    ensure!(!text.is_empty(), "{shown} is empty");
    Ok(text)
}

/// Writes or replaces a file of mode 0600, wholly or not at all.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let fresh = path.with_extension("new");
    let written = (|| {
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&fresh)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    })();
    written.with_context(|| format!("cannot write {}", path.display()))
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| anyhow!("the system has no randomness to give"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_four_groups_of_four_letters_that_nobody_mixes_up() {
        let code = code().unwrap();

        assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4; 4]);
        assert!(code.bytes().all(|byte| byte == b'-' || ALPHABET.contains(&byte)));
    }
}
