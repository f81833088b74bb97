//! What a program says through one pipe. Read as it comes, so that nothing of it lies on the disk and a program that
//! floods its output costs no more than what is kept.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;

/// More than this of what a program says is not kept.
const MOST_KEPT: usize = 8 << 20;

/// One pipe from a program, and the end of what came through it.
#[derive(Default)]
pub(super) struct Voice {
    /// `None` when nobody holds the other end any more.
    pipe: Option<File>,
    kept: Vec<u8>,
    left_out: u64,
}

impl Voice {
    pub(super) fn new(pipe: impl Into<OwnedFd>) -> Self {
        Self { pipe: Some(File::from(pipe.into())), ..Self::default() }
    }

    /// The pipe, as long as somebody may write to it.
    pub(super) fn pipe(&self) -> Option<&File> {
        self.pipe.as_ref()
    }

    /// Takes what has come; to be called when there is something, as it waits otherwise.
    pub(super) fn listen(&mut self) -> std::io::Result<()> {
        let mut buffer = [0; 16 << 10];
        let Some(pipe) = &mut self.pipe else {
            return Ok(());
        };
        match pipe.read(&mut buffer) {
            Ok(0) => self.pipe = None,
            Ok(count) => self.keep(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Of a very long text the end is kept, which is where programs say what went wrong.
    fn keep(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        // Cut only now and then: each cut moves all that stays.
        if self.kept.len() > 2 * MOST_KEPT {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let surplus = self.kept.len().saturating_sub(MOST_KEPT);
        self.kept.drain(..surplus);
        self.left_out += surplus as u64;
    }

    /// All that was kept; a line in front says what was not.
    pub(super) fn into_text(mut self) -> Vec<u8> {
        self.cut();
        if self.left_out == 0 {
            return self.kept;
        }
        let length = self.left_out + self.kept.len() as u64;
        let mut text = format!("[the first {} of {length} bytes are left out]\n", self.left_out).into_bytes();
        text.append(&mut self.kept);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flood_the_end_is_kept() {
        let mut voice = Voice::default();
        let line = vec![b'x'; 1 << 20];
        for _ in 0..40 {
            voice.keep(&line);
            assert!(voice.kept.len() <= 2 * MOST_KEPT);
        }
        voice.keep(b"the end");
        let text = voice.into_text();
        let flood = 40 * line.len() + 7;
        let first = format!("[the first {} of {flood} bytes are left out]\n", flood - MOST_KEPT);
        assert!(text.starts_with(first.as_bytes()));
        assert!(text.ends_with(b"xxthe end"));
        assert_eq!(text.len(), first.len() + MOST_KEPT);
    }
}
