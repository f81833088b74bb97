//! From a subject, a style and a number to pixels; the same arguments give the same pixels everywhere.

use super::cartoon::cartoon;
use super::dice::Dice;
use super::painting::painting;
use super::photo::photo;
use super::sketch::sketch;
use super::{Style, Subject};
use image::RgbImage;

/// The largest side that [`draw`] accepts, in pixels.
pub const MAX_SIZE: u32 = 4096;

/// Draws one square image.
///
/// The drawing depends on the arguments only. A size of 0 gives an empty image.
///
/// # Panics
///
/// Panics if `size` exceeds [`MAX_SIZE`].
pub fn draw(subject: &Subject, style: Style, seed: u64, index: u32, size: u32) -> RgbImage {
    assert!(size <= MAX_SIZE, "a drawing of {size} pixels exceeds the limit of {MAX_SIZE}");
    if size == 0 {
        return RgbImage::new(0, 0);
    }
    let mut dice = Dice::new(seed, subject.name(), style, index);
    let figure = subject.figure(&mut dice).place(&mut dice);
    let raster = match style {
        Style::ArtPainting => painting(&figure, size, &mut dice),
        Style::Cartoon => cartoon(&figure, size, &mut dice),
        Style::Photo => photo(&figure, size, &mut dice),
        Style::Sketch => sketch(&figure, size, &mut dice),
    };
    raster.image()
}

#[cfg(test)]
mod tests {
    use super::super::{SUBJECTS_PACS, SUBJECTS_PRETRAINING};
    use super::*;
    use rayon::prelude::*;
    use std::collections::BTreeMap;

    /// Drawings of all PACS subjects in one style.
    fn gallery(style: Style, size: u32) -> Vec<RgbImage> {
        let wanted: Vec<(Subject, u32)> = SUBJECTS_PACS.iter().flat_map(|s| (0..3).map(|k| (*s, k))).collect();
        wanted.into_par_iter().map(|(subject, index)| draw(&subject, style, 11, index, size)).collect()
    }

    fn spread([r, g, b]: [u8; 3]) -> u8 {
        r.max(g).max(b) - r.min(g).min(b)
    }

    #[test]
    fn the_same_arguments_give_the_same_pixels_on_any_thread() {
        for style in Style::ALL {
            let alone: Vec<RgbImage> = SUBJECTS_PACS.iter().map(|s| draw(s, style, 5, 2, 48)).collect();
            let together: Vec<RgbImage> = SUBJECTS_PACS.par_iter().map(|s| draw(s, style, 5, 2, 48)).collect();
            assert!(alone == together, "{style}");
        }
    }

    #[test]
    fn drawings_are_pinned() {
        // A change here changes every miniature: raise the version of the stage type that draws them.
        let pins = Style::ALL.map(|style| {
            let fold = |sum: u64, &byte: &u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            let subjects = SUBJECTS_PACS.iter().chain(&SUBJECTS_PRETRAINING);
            subjects.fold(0xcbf2_9ce4_8422_2325, |sum, subject| draw(subject, style, 9, 4, 40).iter().fold(sum, fold))
        });
        assert_eq!(pins, [0x2216_ff77_710e_e5a3, 0x2f83_2fac_4362_2d7a, 0xa5f3_6989_fe6d_cc30, 0x24f1_ae08_6664_42b4]);
    }

    #[test]
    fn another_index_or_seed_gives_other_pixels() {
        for style in Style::ALL {
            for subject in SUBJECTS_PACS.iter().chain(&SUBJECTS_PRETRAINING) {
                let one = draw(subject, style, 5, 0, 32);
                assert!(one != draw(subject, style, 5, 1, 32), "{subject:?} {style}");
                assert!(one != draw(subject, style, 6, 0, 32), "{subject:?} {style}");
            }
        }
    }

    #[test]
    fn sketches_are_mostly_white_and_nearly_grey() {
        for image in gallery(Style::Sketch, 96) {
            let count = (96 * 96) as f32;
            let white = image.pixels().filter(|p| p.0.iter().all(|&c| c > 230)).count() as f32 / count;
            let dark = image.pixels().filter(|p| p.0[0] < 128).count() as f32 / count;
            assert!(white > 0.6, "white {white}");
            assert!(dark > 0.005, "dark {dark}");
            assert!(image.pixels().all(|p| spread(p.0) < 16));
        }
    }

    #[test]
    fn cartoons_have_few_dominant_colours() {
        for image in gallery(Style::Cartoon, 96) {
            let mut colours = BTreeMap::new();
            for pixel in image.pixels() {
                *colours.entry(pixel.0).or_insert(0_u32) += 1;
            }
            let mut counts: Vec<u32> = colours.into_values().collect();
            counts.sort_unstable_by(|a, b| b.cmp(a));
            let dominant: u32 = counts.iter().take(14).sum();
            assert!(dominant as f32 > 0.7 * 96.0 * 96.0, "{dominant}");
        }
    }

    #[test]
    fn photos_have_grain_everywhere() {
        for image in gallery(Style::Photo, 64) {
            let plain = (0..63_u32)
                .flat_map(|y| (0..63_u32).map(move |x| (x, y)))
                .filter(|&(x, y)| image.get_pixel(x, y) == image.get_pixel(x + 1, y))
                .count();
            assert!(plain < 63 * 63 / 4, "{plain}");
        }
    }

    #[test]
    fn tiny_and_large_sizes_are_drawn() {
        for style in Style::ALL {
            for size in [1, 2, 3, 16, 512] {
                let image = draw(&SUBJECTS_PACS[2], style, 1, 0, size);
                assert_eq!(image.dimensions(), (size, size));
            }
        }
    }

    #[test]
    fn every_subject_draws_in_every_style_for_many_indices() {
        let subjects: Vec<&Subject> = SUBJECTS_PACS.iter().chain(&SUBJECTS_PRETRAINING).collect();
        subjects.par_iter().for_each(|subject| {
            for style in Style::ALL {
                for index in 0..6 {
                    draw(subject, style, 3, index, 24);
                }
            }
        });
    }

    #[test]
    fn size_zero_gives_an_empty_image() {
        assert_eq!(draw(&SUBJECTS_PACS[0], Style::Photo, 1, 0, 0).dimensions(), (0, 0));
    }

    #[test]
    #[should_panic(expected = "exceeds the limit")]
    fn a_size_beyond_the_limit_is_refused() {
        draw(&SUBJECTS_PACS[0], Style::Photo, 1, 0, MAX_SIZE + 1);
    }
}
