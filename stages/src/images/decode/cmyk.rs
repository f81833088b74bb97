//! Printing inks to light, as Pillow does it.

/// Converts inks as Adobe writes them in JPEG files, inverted (255 is no ink), to RGB.
pub(super) fn to_rgb(inverted: &[u8]) -> Vec<u8> {
    let (inks, _) = inverted.as_chunks::<4>();
    inks.iter()
        .flat_map(|&[cyan, magenta, yellow, black]| [cyan, magenta, yellow].map(|ink| light(ink, black)))
        .collect()
}

/// What is left of the light that black lets through: `black − (255 − ink) · black / 255`, rounded without a division.
fn light(ink: u8, black: u8) -> u8 {
    let product = u32::from(255 - ink) * u32::from(black) + 128;
    black - (((product >> 8) + product) >> 8) as u8
}
