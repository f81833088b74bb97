//! Any bytes as a `.npy` file of each element type: an array of what the header promises, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../../stages/src/formats/npy.rs"]
#[expect(dead_code, reason = "only reading is tried")]
mod npy;

fn read<T: npy::Element>(bytes: &[u8]) {
    if let Ok(array) = npy::from_bytes::<T>("array.npy", bytes) {
        assert!(array.len() * T::SIZE <= bytes.len());
        assert!(array.is_standard_layout());
    }
}

fuzz_target!(|bytes: &[u8]| {
    read::<f32>(bytes);
    read::<i64>(bytes);
    read::<bool>(bytes);
});
