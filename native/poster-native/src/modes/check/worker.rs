//! The checking threads and the short queue in front of them.

use std::sync::mpsc::{sync_channel, Receiver, SyncSender};
use std::sync::{Arc, Mutex};

use frames::limits::CHECK_QUEUE_PER_THREAD;

use super::job::CheckJob;
use crate::system::spawn_essential;

/// One vanilla proof to check.
pub struct Blob {
    /// Whose it is.
    pub job: Arc<CheckJob>,
    /// Slot, that is position in the job's list.
    pub slot: usize,
    /// Comes back in the answer.
    pub tag: u32,
    /// The proof.
    pub bytes: Vec<u8>,
    /// Read from the spool file instead of stdin.
    pub resumed: bool,
}

/// A bounded queue with its threads.
pub struct Workers(SyncSender<Blob>);

impl Workers {
    /// Starts the threads. They live as long as the process.
    pub fn spawn(threads: usize) -> Self {
        let (sender, receiver) = sync_channel(threads * CHECK_QUEUE_PER_THREAD);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads {
            let receiver = Arc::clone(&receiver);
            spawn_essential(move || {
                while let Some(blob) = take(&receiver) {
                    blob.job.check(&blob);
                }
            });
        }
        Self(sender)
    }

    /// Queues a blob; waits while the queue is full.
    pub fn push(&self, blob: Blob) {
        self.0
            .send(blob)
            .expect("the threads live as long as their queue");
    }
}

fn take(receiver: &Mutex<Receiver<Blob>>) -> Option<Blob> {
    receiver
        .lock()
        .expect("no thread panics while it waits for a blob")
        .recv()
        .ok()
}
