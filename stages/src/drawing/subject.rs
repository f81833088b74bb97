//! The subjects that can be drawn: the seven PACS classes, and ten others to pretrain on.

use super::dice::Dice;
use super::figure::Figure;
use super::figures;
use std::fmt;

/// A class of things that can be drawn.
#[derive(Clone, Copy)]
pub struct Subject {
    name: &'static str,
    figure: fn(&mut Dice) -> Figure,
}

impl Subject {
    /// The name of the class, as PACS spells it where PACS has it.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// One individual of the class.
    pub(crate) fn figure(&self, dice: &mut Dice) -> Figure {
        (self.figure)(dice)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subject").field(&self.name).finish()
    }
}

/// The classes of PACS, in alphabetical order.
pub const SUBJECTS_PACS: [Subject; 7] = [
    Subject {
        name: "dog",
        figure: figures::dog,
    },
    Subject {
        name: "elephant",
        figure: figures::elephant,
    },
    Subject {
        name: "giraffe",
        figure: figures::giraffe,
    },
    Subject {
        name: "guitar",
        figure: figures::guitar,
    },
    Subject {
        name: "horse",
        figure: figures::horse,
    },
    Subject {
        name: "house",
        figure: figures::house,
    },
    Subject {
        name: "person",
        figure: figures::person,
    },
];

/// Ten classes that PACS does not have, in alphabetical order: what a miniature backbone is pretrained on.
pub const SUBJECTS_PRETRAINING: [Subject; 10] = [
    Subject {
        name: "bicycle",
        figure: figures::bicycle,
    },
    Subject {
        name: "bird",
        figure: figures::bird,
    },
    Subject {
        name: "boat",
        figure: figures::boat,
    },
    Subject {
        name: "car",
        figure: figures::car,
    },
    Subject {
        name: "cup",
        figure: figures::cup,
    },
    Subject {
        name: "fish",
        figure: figures::fish,
    },
    Subject {
        name: "flower",
        figure: figures::flower,
    },
    Subject {
        name: "mushroom",
        figure: figures::mushroom,
    },
    Subject {
        name: "tree",
        figure: figures::tree,
    },
    Subject {
        name: "umbrella",
        figure: figures::umbrella,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(subjects: &[Subject]) -> Vec<&'static str> {
        subjects.iter().map(Subject::name).collect()
    }

    #[test]
    fn both_sets_are_in_alphabetical_order() {
        assert!(names(&SUBJECTS_PACS).is_sorted_by(|a, b| a < b));
        assert!(names(&SUBJECTS_PRETRAINING).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn the_two_sets_share_no_subject() {
        let pretraining = names(&SUBJECTS_PRETRAINING);
        assert!(
            names(&SUBJECTS_PACS)
                .iter()
                .all(|name| !pretraining.contains(name))
        );
    }
}
