//! What all tests of this binary log, to the last trace.

use std::{
    io,
    sync::{LazyLock, Mutex, PoisonError},
};

use tracing_subscriber::filter::LevelFilter;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to listen; every test does, before anything is logged.
pub(crate) fn listen() {
    static LISTENING: LazyLock<()> = LazyLock::new(|| {
        let all = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE);
        all.with_writer(|| Writer).with_ansi(false).init();
    });
    LazyLock::force(&LISTENING);
}

pub(crate) fn so_far() -> String {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&log).into_owned()
}
