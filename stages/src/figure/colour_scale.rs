//! From values to colours: masks in two tones, importance on viridis, weights around zero.

/// Viridis at 33 even steps (the colour map of matplotlib, CC0), linear in between.
const VIRIDIS: [u32; 33] = [
    0x44_01_54, 0x47_0d_60, 0x48_18_6a, 0x48_23_74, 0x47_2d_7b, 0x45_37_81, 0x42_40_86, 0x3e_49_89, 0x3b_52_8b,
    0x37_5b_8d, 0x33_63_8d, 0x2f_6b_8e, 0x2c_72_8e, 0x29_7a_8e, 0x26_82_8e, 0x23_89_8e, 0x21_91_8c, 0x1f_98_8b,
    0x1f_a0_88, 0x22_a7_85, 0x28_ae_80, 0x32_b6_7a, 0x3f_bc_73, 0x4e_c3_6b, 0x5e_c9_62, 0x70_cf_57, 0x84_d4_4b,
    0x98_d8_3e, 0xad_dc_30, 0xc2_df_23, 0xd8_e2_19, 0xec_e5_1b, 0xfd_e7_25,
];
/// From Okabe and Ito's blue, darkened, over near-white to their vermillion, darkened.
const AROUND_ZERO: [u32; 7] = [0x00_2f_55, 0x00_72_b2, 0x8f_c1_de, 0xf7_f7_f7, 0xf0_b0_88, 0xd5_5e_00, 0x66_2a_00];
/// From pale to dark blue, for lines on white.
const INKS: [u32; 4] = [0xdb_e4_ec, 0x7f_b2_d6, 0x00_72_b2, 0x00_1f_44];
/// From white to dark blue, for fields.
const SHARES: [u32; 4] = [0xff_ff_ff, 0x9c_c8_e4, 0x00_72_b2, 0x00_1f_44];
const FROZEN: u32 = 0xec_ec_ec;
const KEPT: u32 = 0x1b_1b_1b;
/// The colour of what is no number.
const NO_NUMBER: u32 = 0xff_00_ff;

/// The meaning of colours in a heat map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ColourScale {
    /// Zero is pale, one is dark.
    Mask,
    /// From zero to this value, dark to bright.
    Up(f64),
    /// From zero to this value, pale to dark, for lines on white.
    Ink(f64),
    /// From zero to this value, white to dark.
    Share(f64),
    /// From minus this value to this value, with zero near-white.
    Around(f64),
}

impl ColourScale {
    /// The lower and upper end.
    pub(crate) fn ends(self) -> (f64, f64) {
        match self {
            Self::Mask => (0.0, 1.0),
            Self::Up(top) | Self::Ink(top) | Self::Share(top) => (0.0, top),
            Self::Around(limit) => (-limit, limit),
        }
    }

    /// The colour of a value as SVG writes it. Values beyond the ends have the colour of the end.
    pub(crate) fn colour(self, value: f64) -> String {
        let (low, high) = self.ends();
        let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        let colour = match self {
            _ if value.is_nan() => NO_NUMBER,
            Self::Mask => between(&[FROZEN, KEPT], share),
            // 256 levels are as many as can be told apart, and let equal fields be drawn in one go.
            Self::Up(_) => between(&VIRIDIS, (share * 255.0).round() / 255.0),
            Self::Ink(_) => between(&INKS, (share * 255.0).round() / 255.0),
            Self::Share(_) => between(&SHARES, (share * 255.0).round() / 255.0),
            Self::Around(_) => between(&AROUND_ZERO, (share * 256.0).round() / 256.0),
        };
        format!("#{colour:06x}")
    }
}

fn between(steps: &[u32], share: f64) -> u32 {
    let place = share * (steps.len() - 1) as f64;
    let index = (place as usize).min(steps.len() - 2);
    let part = place - index as f64;
    let channel = |shift: u32| {
        let of = |colour: u32| f64::from((colour >> shift) & 0xff);
        let mixed = of(steps[index]) + part * (of(steps[index + 1]) - of(steps[index]));
        (mixed.round() as u32) << shift
    };
    channel(16) | channel(8) | channel(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_have_the_colours_of_the_ends() {
        assert_eq!([ColourScale::Mask.colour(0.0), ColourScale::Mask.colour(1.0)], ["#ececec", "#1b1b1b"]);
        assert_eq!([ColourScale::Up(2.0).colour(-1.0), ColourScale::Up(2.0).colour(9.0)], ["#440154", "#fde725"]);
        assert_eq!(ColourScale::Around(3.0).colour(0.0), "#f7f7f7");
    }

    #[test]
    fn what_is_no_number_is_seen_at_once() {
        assert_eq!(ColourScale::Up(1.0).colour(f64::NAN), "#ff00ff");
    }

    #[test]
    fn a_scale_without_extent_has_one_colour() {
        assert_eq!(ColourScale::Up(0.0).colour(0.0), "#440154");
    }
}
