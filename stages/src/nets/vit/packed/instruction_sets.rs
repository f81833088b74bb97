//! The instruction sets of this processor, one after the other: a test of the widest alone would be silent about the others.

use std::cell::Cell;

use macerator::Arch;

use crate::random::Random;

/// From the narrowest to the widest: a processor that offers one offers those before it.
#[cfg(target_arch = "x86_64")]
const KNOWN: &[Arch] = &[Arch::Scalar, Arch::V2, Arch::V3, Arch::V4];
#[cfg(target_arch = "aarch64")]
const KNOWN: &[Arch] = &[Arch::Scalar, Arch::NeonFma];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const KNOWN: &[Arch] = &[Arch::Scalar];

thread_local! {
    static CHOSEN: Cell<Option<Arch>> = const { Cell::new(None) };
}

/// The one that operations on this thread are to use, where one is chosen. It is always one that the processor offers.
pub(super) fn chosen() -> Option<Arch> {
    CHOSEN.get()
}

/// Does the same with each instruction set that this processor offers, told by its name.
pub(super) fn with_each(test: impl Fn(&str)) {
    let widest = Arch::detect();
    let offered: Vec<Arch> = KNOWN.iter().copied().filter(|arch| *arch as u8 <= widest as u8).collect();
    assert!(offered.len() > 1 || !cfg!(any(target_arch = "x86_64", target_arch = "aarch64")), "{widest:?} alone");
    for arch in offered {
        CHOSEN.set(Some(arch));
        test(&format!("{arch:?}"));
        CHOSEN.set(None);
    }
}

/// Numbers between −1 and 1.
pub(super) fn numbers(seed: usize, count: usize) -> Vec<f32> {
    let mut random = Random::new(seed as u64, "packed", "test", 0);
    (0..count).map(|_| random.between(-1.0, 1.0)).collect()
}

#[test]
fn operations_run_with_the_instruction_set_that_is_chosen() {
    use super::panels::Panels;
    let widths = std::cell::RefCell::new(Vec::new());
    with_each(|_| widths.borrow_mut().push(Panels::lanes_here()));
    let widths = widths.into_inner();
    assert!(widths.is_sorted() && widths.first() < widths.last(), "{widths:?}");
    assert_eq!(widths.last(), Some(&Panels::lanes_here()), "without a choice the widest is taken");
}
