//! The published counts of PACS (Li et al. 2017; two-phase weight importance, section 2).

/// The classes of PACS in the order of their labels.
pub const PACS_CLASSES: [&str; 7] = ["dog", "elephant", "giraffe", "guitar", "horse", "house", "person"];

/// The domains of PACS with their images per class, 9,991 in all.
pub const PACS_COUNTS: [(&str, [usize; 7]); 4] = [
    ("art_painting", [379, 255, 285, 184, 201, 295, 449]),
    ("cartoon", [389, 457, 346, 135, 324, 288, 405]),
    ("photo", [189, 202, 182, 186, 199, 280, 432]),
    ("sketch", [772, 740, 753, 608, 816, 80, 160]),
];

/// The number of images of one class in one domain, where PACS has both.
pub fn pacs_count(domain: &str, class: &str) -> Option<usize> {
    let place = PACS_CLASSES.iter().position(|known| *known == class)?;
    PACS_COUNTS.iter().find(|(known, _)| *known == domain).map(|(_, counts)| counts[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_totals_are_the_published_ones() {
        let totals: Vec<usize> = PACS_COUNTS.iter().map(|(_, counts)| counts.iter().sum()).collect();
        assert_eq!(totals, [2048, 2344, 1670, 3929]);
        assert_eq!(totals.iter().sum::<usize>(), 9991);
        assert_eq!(pacs_count("sketch", "house"), Some(80));
        assert_eq!(pacs_count("sketch", "boat"), None);
    }
}
