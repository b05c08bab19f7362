//! Gzip, with an end to what comes out.

use std::io::{Read as _, Write as _};

use devsphere_boot::MESSAGE_LIMIT;
use devsphere_error::{Error, Result};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// How every gzip begins.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What a body holds. Its last four bytes say how much that is (RFC 1952): what says too much is not
/// unpacked, and what holds more than it says only so far.
pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    let malformed =
        || Error::BadRequest { cause: "malformed_message", message: "the body is no valid gzip" };
    let end = packed.last_chunk().filter(|_| packed.starts_with(&MAGIC)).ok_or_else(malformed)?;
    let size = u32::from_le_bytes(*end) as usize;
    if size > MESSAGE_LIMIT {
        return Err(Error::PayloadTooLarge { limit: MESSAGE_LIMIT });
    }
    let mut unpacked = Vec::with_capacity(size + 1);
    let mut reader = GzDecoder::new(packed).take(size as u64 + 1);
    reader.read_to_end(&mut unpacked).map_err(|_| malformed())?;
    if unpacked.len() == size { Ok(unpacked) } else { Err(malformed()) }
}

/// A body made smaller.
pub(crate) fn pack(body: &[u8]) -> Result<Vec<u8>> {
    let mut writer = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    writer.write_all(body).and_then(|()| writer.finish()).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_unpacks_and_a_bomb_does_not() {
        let body = b"{\"display_name\":\"Maria\"}".repeat(1000);
        let packed = pack(&body).unwrap();
        assert!(packed.len() < body.len() / 10);
        assert_eq!(unpack(&packed).unwrap(), body);

        let bomb = pack(&vec![0; 64 << 20]).unwrap();
        assert!(bomb.len() < MESSAGE_LIMIT);
        assert!(matches!(unpack(&bomb), Err(Error::PayloadTooLarge { .. })));
        let mut liar = bomb;
        let size = liar.len() - 4;
        liar[size..].copy_from_slice(&100_000_u32.to_le_bytes());
        assert!(matches!(unpack(&liar), Err(Error::BadRequest { .. })));
        assert!(unpack(&packed[..40]).is_err());
        assert!(matches!(unpack(b"no gzip"), Err(Error::BadRequest { .. })));
    }
}
