//! Chooses where tensors live: the only file that names a backend of burn.
//!
//! The binary makes one [`Device`] from `--device` and lends it to the stages through `Ambient`.

use std::fmt;
use std::str::FromStr;

/// What `--device` asks for: `auto`, `cpu`, `wgpu`, `wgpu:n` or `wgpu:software`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A real GPU where the build has one and there is one, never a software adapter, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU through wgpu, by its place among the machine's real GPUs (discrete, integrated, virtual); 0 without a number.
    Wgpu(usize),
    /// A driver that computes on the CPU what a GPU would: to test without one, and slow.
    Software,
}

/// A device that cannot be had.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// A text that names no device.
    #[error("`{0}` is not a device; devices are [auto, cpu, wgpu, wgpu:0, wgpu:1, …, wgpu:software]")]
    Unknown(String),
    /// A GPU in a build for CPUs.
    #[error("this build has no GPU support; build with --features wgpu")]
    NoGpuSupport,
    /// A GPU that the machine does not have.
    #[error("there is no GPU `wgpu:{index}`; this machine offers {found} (software adapters are not counted)")]
    NoSuchGpu {
        /// The number asked for.
        index: usize,
        /// How many real GPUs were found.
        found: usize,
    },
    /// No driver that computes on the CPU.
    #[error("there is no software adapter for `wgpu:software`; Mesa's lavapipe is one")]
    NoSoftwareAdapter,
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let unknown = || DeviceError::Unknown(text.to_owned());
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "wgpu" => Ok(Self::Wgpu(0)),
            "wgpu:software" => Ok(Self::Software),
            _ => {
                let index = text.strip_prefix("wgpu:").ok_or_else(unknown)?;
                index.parse().map(Self::Wgpu).map_err(|_| unknown())
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Wgpu(index) => write!(f, "wgpu:{index}"),
            Self::Software => f.write_str("wgpu:software"),
        }
    }
}

/// Where tensors live and are computed with.
#[derive(Clone, Debug)]
pub struct Device {
    tensors: burn::tensor::Device,
    name: String,
    is_cpu: bool,
}

impl Device {
    /// The CPU, which every build has.
    pub fn cpu() -> Self {
        Self { tensors: burn::tensor::Device::flex(), name: "cpu".to_owned(), is_cpu: true }
    }

    /// Reads a device's name and refuses what this build never has; looks for nothing.
    pub fn check(name: &str) -> Result<DeviceChoice, DeviceError> {
        match name.parse::<DeviceChoice>()? {
            DeviceChoice::Wgpu(_) | DeviceChoice::Software if !cfg!(feature = "wgpu") => Err(DeviceError::NoGpuSupport),
            choice => Ok(choice),
        }
    }

    /// Finds the device that `--device` names.
    pub fn open(name: &str) -> Result<Self, DeviceError> {
        Self::choose(Self::check(name)?)
    }

    /// Finds the device asked for.
    pub fn choose(choice: DeviceChoice) -> Result<Self, DeviceError> {
        match choice {
            DeviceChoice::Cpu => Ok(Self::cpu()),
            DeviceChoice::Auto => Ok(Self::auto().0),
            DeviceChoice::Wgpu(index) => Self::gpu(index),
            DeviceChoice::Software => Self::software(),
        }
    }

    /// What `auto` takes, and why.
    pub fn auto() -> (Self, String) {
        match Self::gpu(0) {
            Ok(gpu) => (gpu, "the first real GPU".to_owned()),
            Err(DeviceError::NoSuchGpu { .. }) => {
                (Self::cpu(), "there is no real GPU, and a software adapter is slower than the CPU itself".to_owned())
            }
            Err(error) => (Self::cpu(), error.to_string()),
        }
    }

    /// All that can be computed with here, each with what it is: the CPU, GPUs as `--device` names them, and software
    /// adapters, which are passed over.
    pub fn listed() -> Vec<(String, String)> {
        let cpu = ("cpu".to_owned(), format!("every build has it; {}", instructions()));
        std::iter::once(cpu).chain(Self::adapters()).collect()
    }

    #[cfg(feature = "wgpu")]
    fn adapters() -> Vec<(String, String)> {
        let (real, software) = Self::graphics();
        let about = |device: &burn::tensor::Device| {
            device.identity().map_or_else(|| "unknown to its driver".to_owned(), |identity| identity.name)
        };
        let real = real.iter().enumerate().map(|(index, device)| (format!("wgpu:{index}"), about(device)));
        let software = software.iter().map(|device| {
            (
                "wgpu:software".to_owned(),
                format!("{}, which is no GPU: for tests, and passed over by auto", about(device)),
            )
        });
        real.chain(software).collect()
    }

    #[cfg(not(feature = "wgpu"))]
    fn adapters() -> Vec<(String, String)> {
        Vec::new()
    }

    /// The machine's real GPUs, discrete ones first, and its software adapters.
    #[cfg(feature = "wgpu")]
    fn graphics() -> (Vec<burn::tensor::Device>, Vec<burn::tensor::Device>) {
        use burn::tensor::{Device as Tensors, DeviceKind, DeviceType};

        let listed = Tensors::enumerate(DeviceType::Wgpu).into_vec();
        // Equality of devices is identity of hardware, so asking for each kind by number sorts the list
        // and leaves out what is no GPU: software adapters have a kind of their own.
        let kinds = [DeviceKind::DiscreteGpu, DeviceKind::IntegratedGpu, DeviceKind::VirtualGpu];
        let real: Vec<Tensors> = kinds
            .iter()
            .flat_map(|kind| (0..listed.len()).map(move |number| Tensors::wgpu(kind(number))))
            .filter(|device| listed.contains(device))
            .collect();
        let software = listed.into_iter().filter(|device| !real.contains(device)).collect();
        (real, software)
    }

    /// The GPU at that place among the machine's real ones.
    #[cfg(feature = "wgpu")]
    fn gpu(index: usize) -> Result<Self, DeviceError> {
        let (real, _) = Self::graphics();
        let found = real.len();
        let tensors = real.into_iter().nth(index).ok_or(DeviceError::NoSuchGpu { index, found })?;
        Ok(Self { tensors, name: format!("wgpu:{index}"), is_cpu: false })
    }

    /// The first software adapter.
    #[cfg(feature = "wgpu")]
    fn software() -> Result<Self, DeviceError> {
        let (_, software) = Self::graphics();
        let tensors = software.into_iter().next().ok_or(DeviceError::NoSoftwareAdapter)?;
        Ok(Self { tensors, name: "wgpu:software".to_owned(), is_cpu: false })
    }

    /// Says that this build has none.
    #[cfg(not(feature = "wgpu"))]
    fn software() -> Result<Self, DeviceError> {
        Err(DeviceError::NoGpuSupport)
    }

    /// Says that this build has none.
    #[cfg(not(feature = "wgpu"))]
    fn gpu(_index: usize) -> Result<Self, DeviceError> {
        Err(DeviceError::NoGpuSupport)
    }

    /// Where tensors that need no gradients are made.
    pub fn tensors(&self) -> &burn::tensor::Device {
        &self.tensors
    }

    /// Where tensors that are trained are made.
    pub fn autodiff(&self) -> burn::tensor::Device {
        self.tensors.clone().autodiff()
    }

    /// Its name, as `--device` takes it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is the CPU.
    pub fn is_cpu(&self) -> bool {
        self.is_cpu
    }

    /// Whether it is a GPU.
    pub fn is_gpu(&self) -> bool {
        !self.is_cpu
    }
}

/// The vectors that the CPU computes with, in words.
fn instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    let found = if is_x86_feature_detected!("avx512f") {
        "AVX-512"
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "AVX2"
    } else {
        "neither AVX-512 nor AVX2, so embedding takes several times as long"
    };
    #[cfg(target_arch = "aarch64")]
    let found = "NEON";
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found = "vectors unknown";
    found
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_survives_its_text() {
        for choice in [
            DeviceChoice::Auto,
            DeviceChoice::Cpu,
            DeviceChoice::Wgpu(0),
            DeviceChoice::Wgpu(3),
            DeviceChoice::Software,
        ] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        assert_eq!("wgpu".parse(), Ok(DeviceChoice::Wgpu(0)));
        for bad in ["", "gpu", "wgpu:", "wgpu:x", "wgpu:-1", "CPU"] {
            assert_eq!(bad.parse::<DeviceChoice>(), Err(DeviceError::Unknown(bad.to_owned())));
        }
    }

    #[test]
    #[cfg(not(feature = "wgpu"))]
    fn a_build_for_cpus_says_how_to_get_a_gpu() {
        let error = Device::choose(DeviceChoice::Wgpu(0)).unwrap_err();
        assert_eq!(error.to_string(), "this build has no GPU support; build with --features wgpu");
        assert_eq!(Device::choose(DeviceChoice::Auto).unwrap().name(), "cpu");
    }

    #[test]
    fn the_cpu_is_always_listed_and_the_choice_of_auto_has_a_reason() {
        let listed = Device::listed();
        assert_eq!(listed[0].0, "cpu");
        let (auto, why) = Device::auto();
        assert!(listed.iter().any(|(name, _)| name == auto.name()) && !why.is_empty());
        assert_eq!(Device::open("auto").unwrap().name(), auto.name());
    }

    #[test]
    fn the_cpu_computes() {
        let device = Device::open("cpu").unwrap();
        assert!(device.is_cpu() && !device.is_gpu());
        assert_eq!(device.to_string(), "cpu");
        assert!(Device::open("tpu").unwrap_err().to_string().starts_with("`tpu` is not a device"));
        let ones = burn::tensor::Tensor::<1>::ones([3], device.tensors());
        assert_eq!(ones.sum().into_scalar::<f32>().to_bits(), 3.0_f32.to_bits());
    }
}
