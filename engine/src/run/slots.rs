//! Scarce resources and who occupies them.

use crate::graph::Needs;

/// What is free.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    all: Needs,
    free: Needs,
}

impl Slots {
    pub(super) fn new(cpu: usize, gpu: u32, memory: u64) -> Self {
        let all = Needs { cpu: u32::try_from(cpu.max(1)).unwrap_or(u32::MAX), gpu, memory };
        Self { all, free: all }
    }

    /// Occupies what a cell needs, where that is free. A cell that needs more than there is gets all of it.
    pub(super) fn take(&mut self, needs: Needs) -> bool {
        let needs = self.clamped(needs);
        let fits = needs.cpu <= self.free.cpu && needs.gpu <= self.free.gpu && needs.memory <= self.free.memory;
        if fits {
            self.free.cpu -= needs.cpu;
            self.free.gpu -= needs.gpu;
            self.free.memory -= needs.memory;
        }
        fits
    }

    /// Gives back what [`Slots::take`] took.
    pub(super) fn give_back(&mut self, needs: Needs) {
        let needs = self.clamped(needs);
        self.free.cpu += needs.cpu;
        self.free.gpu += needs.gpu;
        self.free.memory += needs.memory;
    }

    fn clamped(&self, needs: Needs) -> Needs {
        Needs {
            // A cell without a core still is one of the jobs.
            cpu: needs.cpu.clamp(1, self.all.cpu),
            gpu: needs.gpu.min(self.all.gpu),
            memory: needs.memory.min(self.all.memory),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_occupied_until_they_are_given_back() {
        let mut slots = Slots::new(4, 1, 100);
        let big = Needs { cpu: 1, gpu: 1, memory: 80 };
        assert!(slots.take(big));
        assert!(!slots.take(big));
        assert!(slots.take(Needs { cpu: 1, gpu: 0, memory: 20 }));
        slots.give_back(big);
        assert!(slots.take(big));
    }

    #[test]
    fn a_cell_that_needs_more_than_there_is_runs_alone() {
        let mut slots = Slots::new(2, 0, 100);
        let huge = Needs { cpu: 64, gpu: 8, memory: u64::MAX };
        assert!(slots.take(huge));
        assert!(!slots.take(Needs::default()));
    }
}
