//! The GPUs that the library proves on.

/// True in the build that has the library's GPU code.
pub const HAS_GPU_CODE: bool = cfg!(feature = "cuda");

/// Names of the devices in the driver's order. None without GPU code, without a driver that works, or where the environment keeps the
/// library off GPUs. The first call starts the driver and opens a context on each device that it shows.
pub fn gpus() -> Vec<String> {
    #[cfg(feature = "cuda")]
    if !is_disabled() {
        return rust_gpu_tools::Device::all()
            .iter()
            .map(|device| device.name())
            .collect();
    }
    Vec::new()
}

/// The library's own switch, read as it reads it.
#[cfg(feature = "cuda")]
fn is_disabled() -> bool {
    std::env::var("BELLMAN_NO_GPU").is_ok_and(|value| value != "0")
}
