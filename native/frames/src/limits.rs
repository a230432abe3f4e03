//! Every bound of the worker in one place, each with its reason.

/// Largest frame, bytes after the length prefix. One partition of 32 GiB vanilla proofs is 58.7 MB.
pub const FRAME_BYTES_MAX: usize = 64 << 20;

/// Largest JSON header. A `prove` request lists up to 2,349 slot indexes, about 12 KB.
pub const HEADER_BYTES_MAX: usize = 64 << 10;

/// Largest integer in a header or a sector list: what a JSON number of JavaScript holds exactly.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Sectors in one `open` request: the largest partition of any size.
pub const OPEN_SECTORS_MAX: usize = 2349;

/// Jobs open at one time in modes `vanilla` and `check`: each holds a list of up to 94 KB or an open file.
pub const OPEN_JOBS_MAX: usize = 256;

/// Blobs that wait in mode `check`, per thread. More would only be memory: past it stdin is not read.
pub const CHECK_QUEUE_PER_THREAD: usize = 2;

/// Proofs that wait in mode `prove`: they take minutes, so the node queues and chooses, not the worker.
pub const PROVE_QUEUE_MAX: usize = 4;

/// Verifications that wait before stdin is not read: they take milliseconds.
pub const VERIFY_QUEUE_MAX: usize = 64;

/// Pairs of replica and cache that are tried for one sector. More copies of one sector are a misconfiguration.
pub const CANDIDATES_MAX: usize = 16;

/// Bytes under a signature: the chain's largest message.
pub const SIGNED_BYTES_MAX: usize = 64 << 10;

/// Bytes of a proof in `verify-post`. A partition has 192; longer ones exist on chain and are answered with `ok: false`.
pub const PROOF_BYTES_MAX: usize = 4096;

/// Largest verifying key that is read: the published one of 32 GiB windows has 2.5 MB, those of other circuits up to 14 MB.
pub const VERIFYING_KEY_BYTES_MAX: u64 = 64 << 20;
