//! Gzip, with an end to what comes out.

use std::io::{Read as _, Write as _};

use devsphere_boot::MESSAGE_LIMIT;
use devsphere_error::{Error, Result};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// What a body holds; stops at the limit however much more would come.
pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    let mut reader = GzDecoder::new(packed).take(MESSAGE_LIMIT as u64 + 1);
    reader.read_to_end(&mut unpacked).map_err(|_| Error::BadRequest {
        cause: "malformed_message",
        message: "the body is no valid gzip",
    })?;
    if unpacked.len() > MESSAGE_LIMIT {
        return Err(Error::PayloadTooLarge { limit: MESSAGE_LIMIT });
    }
    Ok(unpacked)
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
        assert!(matches!(unpack(&packed[..40]), Err(Error::BadRequest { .. })));
        assert!(matches!(unpack(b"no gzip"), Err(Error::BadRequest { .. })));
    }
}
