//! Light on a figure: every solid is puffed up from its silhouette and lit from one side.

use super::figure::{Figure, Solid};
use super::outline::{Outline, Point};
use super::plane::Plane;

/// A distant light.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Light {
    /// Where the light comes from, across the picture; y is negative above.
    pub(crate) from: Point,
    /// Brightness of what the light does not reach.
    pub(crate) ambient: f32,
    /// How much the light adds where it falls straight.
    pub(crate) strength: f32,
}

impl Light {
    /// The factor by which each pixel of the figure is brighter or darker than its colour.
    pub(crate) fn shade(self, figure: &Figure, size: usize) -> Vec<f32> {
        let mut shade = vec![1.0; size * size];
        for solid in figure.solids_in_order() {
            self.shade_solid(solid, size, &mut shade);
        }
        shade
    }

    /// The shadow on a wall right behind the figure, from 0 to 1.
    pub(crate) fn wall_shadow(self, figure: &Figure, size: usize) -> Option<Plane> {
        let shift = (-self.from.0 * 0.05, -self.from.1 * 0.05);
        cast(figure, size, 0.025, |(x, y)| (x + shift.0, y + shift.1))
    }

    /// The shadow on the ground that the figure stands on, from 0 to 1.
    pub(crate) fn ground_shadow(self, figure: &Figure, size: usize) -> Option<Plane> {
        let base = figure.extent(|p| p).1.1 - 0.01;
        cast(figure, size, 0.018, |(x, y)| {
            (x - self.from.0 * (base - y) * 0.5, base - (base - y) * 0.16)
        })
    }

    fn shade_solid(self, solid: &Solid, size: usize, shade: &mut [f32]) {
        let (near, far) = (radius(0.012, size), radius(0.035, size));
        let Some(coverage) = Plane::coverage(&solid.shapes, size, 2 * far as i32 + 2) else {
            return;
        };
        let fine = coverage.clone().blur(near);
        let broad = coverage.clone().blur(far);
        let height = |x, y| 0.35 * fine.at(x, y) * near as f32 + broad.at(x, y) * far as f32;
        for (x, y) in coverage.window(size) {
            let slot = &mut shade[y as usize * size + x as usize];
            // What lies behind is darker close to an edge in front of it.
            *slot *= 1.0 - 0.28 * broad.at(x, y);
            let cover = coverage.at(x, y);
            if cover > 0.0 {
                let slope = 1.5 * solid.relief;
                let nx = slope * (height(x - 1, y) - height(x + 1, y));
                let ny = slope * (height(x, y - 1) - height(x, y + 1));
                *slot += cover * (self.on(nx, ny) - *slot);
            }
        }
    }

    /// Brightness of a surface with the normal `(nx, ny, 1)`.
    fn on(self, nx: f32, ny: f32) -> f32 {
        let (lx, ly) = self.from;
        let lz = 0.75;
        let lengths = ((nx * nx + ny * ny + 1.0) * (lx * lx + ly * ly + lz * lz)).sqrt();
        let facing = (nx * lx + ny * ly + lz) / lengths;
        self.ambient + self.strength * facing.max(0.0)
    }
}

fn cast(
    figure: &Figure,
    size: usize,
    softness: f32,
    map: impl Fn(Point) -> Point,
) -> Option<Plane> {
    let shapes: Vec<Outline> = figure
        .solids_in_order()
        .flat_map(|solid| &solid.shapes)
        .map(|shape| shape.map(&map))
        .collect();
    let radius = radius(softness, size);
    Some(Plane::coverage(&shapes, size, 2 * radius as i32 + 1)?.blur(radius))
}

fn radius(share: f32, size: usize) -> usize {
    ((share * size as f32 + 0.5) as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::super::colour::Colour;
    use super::super::figure::Setting;
    use super::*;

    #[test]
    fn the_side_towards_the_light_is_brighter() {
        let mut figure = Figure::new(Setting::Room);
        figure.solid(Colour::WHITE, [Outline::circle((0.5, 0.5), 0.4)]);
        let light = Light {
            from: (-0.7, 0.0),
            ambient: 0.4,
            strength: 0.7,
        };
        let shade = light.shade(&figure, 40);
        assert!(shade[20 * 40 + 6] > shade[20 * 40 + 34] + 0.2);
    }
}
