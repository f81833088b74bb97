//! Places boxes in layers (K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system
//! structures", 1981): a layer each edge, points where long edges pass a layer, few crossings by barycentres, then the
//! places nearest to the neighbours that keep boxes apart. The same graph always gives the same picture.

use std::collections::BTreeSet;

/// The room between two boxes of a layer, and between a box and an edge that passes.
const GAP: f64 = 22.0;
/// From the top of one layer to that of the next.
const LAYER: f64 = 84.0;
/// How often layers are ordered and boxes are moved.
const SWEEPS: usize = 40;

/// Where boxes stand and which way edges go.
#[derive(Debug)]
pub(super) struct Layout {
    /// The centre of the upper side of each box.
    pub(super) boxes: Vec<(f64, f64)>,
    /// For each edge the x and layer of the points that it passes, its ends included.
    pub(super) routes: Vec<Vec<(f64, usize)>>,
    pub(super) width: f64,
    pub(super) layers: usize,
}

/// A box, or a point where an edge passes a layer.
struct Places {
    width: Vec<f64>,
    layer: Vec<usize>,
    /// Neighbours in the layer above and in the one below.
    above: Vec<Vec<usize>>,
    below: Vec<Vec<usize>>,
}

impl Layout {
    pub(super) const LAYER: f64 = LAYER;

    /// Lays out boxes of these widths. Edges go from an earlier box to a later one.
    pub(super) fn of(widths: &[f64], edges: &BTreeSet<(usize, usize)>) -> Self {
        let layer = layers(widths.len(), edges);
        let count = layer.iter().max().map_or(0, |last| last + 1);
        let mut places = Places {
            width: widths.to_vec(),
            layer,
            above: vec![Vec::new(); widths.len()],
            below: vec![Vec::new(); widths.len()],
        };
        let chains: Vec<Vec<usize>> = edges.iter().map(|(from, to)| places.chain(*from, *to)).collect();
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (place, layer) in places.layer.iter().enumerate() {
            rows[*layer].push(place);
        }
        places.order(&mut rows);
        let x = places.coordinates(&rows);
        let boxes = (0..widths.len()).map(|node| (x[node], LAYER * places.layer[node] as f64)).collect();
        let route = |chain: &Vec<usize>| chain.iter().map(|place| (x[*place], places.layer[*place])).collect();
        let width = (0..x.len()).map(|place| x[place] + places.width[place] / 2.0).fold(0.0, f64::max);
        Self { boxes, routes: chains.iter().map(route).collect(), width, layers: count }
    }
}

/// The longest way from above decides; what reads nothing stands just above its first reader.
fn layers(nodes: usize, edges: &BTreeSet<(usize, usize)>) -> Vec<usize> {
    let mut layer = vec![0; nodes];
    // Sorted by the reader, so that all that a box reads is placed before it.
    let mut by_reader: Vec<(usize, usize)> = edges.iter().map(|(from, to)| (*to, *from)).collect();
    by_reader.sort_unstable();
    for (to, from) in by_reader {
        layer[to] = layer[to].max(layer[from] + 1);
    }
    for node in 0..nodes {
        let reads = edges.iter().any(|(_, to)| *to == node);
        let first = edges.iter().filter(|(from, _)| *from == node).map(|(_, to)| layer[*to]).min();
        if let Some(first) = first.filter(|_| !reads) {
            layer[node] = first - 1;
        }
    }
    layer
}

impl Places {
    /// Joins two boxes by a point in each layer between them.
    fn chain(&mut self, from: usize, to: usize) -> Vec<usize> {
        let mut chain = vec![from];
        for layer in self.layer[from] + 1..self.layer[to] {
            chain.push(self.width.len());
            self.width.push(0.0);
            self.layer.push(layer);
            self.above.push(Vec::new());
            self.below.push(Vec::new());
        }
        chain.push(to);
        for pair in chain.windows(2) {
            self.below[pair[0]].push(pair[1]);
            self.above[pair[1]].push(pair[0]);
        }
        chain
    }

    /// Orders each layer by the mean place of its neighbours, down and up, and keeps the order with fewest crossings.
    fn order(&self, rows: &mut Vec<Vec<usize>>) {
        let (mut best, mut fewest) = (rows.clone(), self.crossings(rows));
        for sweep in 0..SWEEPS {
            let downwards = sweep % 2 == 0;
            let mut order: Vec<usize> = (0..rows.len()).collect();
            if !downwards {
                order.reverse();
            }
            for row in order {
                let place = positions(rows, self.width.len());
                let neighbours = if downwards { &self.above } else { &self.below };
                let mean = |node: &usize| {
                    let near = &neighbours[*node];
                    if near.is_empty() {
                        place[*node]
                    } else {
                        near.iter().map(|other| place[*other]).sum::<f64>() / near.len() as f64
                    }
                };
                rows[row].sort_by(|one, other| mean(one).total_cmp(&mean(other)));
            }
            let crossings = self.crossings(rows);
            if crossings < fewest {
                (best, fewest) = (rows.clone(), crossings);
            }
        }
        *rows = best;
    }

    fn crossings(&self, rows: &[Vec<usize>]) -> usize {
        let place = positions(rows, self.width.len());
        let mut crossings = 0;
        for row in rows {
            let mut edges: Vec<(f64, f64)> = Vec::new();
            for from in row {
                edges.extend(self.below[*from].iter().map(|to| (place[*from], place[*to])));
            }
            for (index, one) in edges.iter().enumerate() {
                crossings +=
                    edges[index + 1..].iter().filter(|other| (one.0 - other.0) * (one.1 - other.1) < 0.0).count();
            }
        }
        crossings
    }

    /// Moves each layer to where its neighbours are, as near as its order and the gaps allow.
    fn coordinates(&self, rows: &[Vec<usize>]) -> Vec<f64> {
        let mut x = vec![0.0; self.width.len()];
        for row in rows {
            self.set(row, &vec![(0.0, 1.0); row.len()], &mut x);
        }
        for sweep in 0..SWEEPS {
            let mut order: Vec<&Vec<usize>> = rows.iter().collect();
            if sweep % 2 == 1 {
                order.reverse();
            }
            for row in order {
                let wanted: Vec<(f64, f64)> = row.iter().map(|node| self.wanted(*node, &x)).collect();
                self.set(row, &wanted, &mut x);
            }
        }
        let left = (0..x.len()).map(|place| x[place] - self.width[place] / 2.0).fold(f64::INFINITY, f64::min);
        x.iter().map(|x| x - left).collect()
    }

    /// Where a box or point wants to be, the mean of its neighbours, and how much. The points of one edge pull most, so
    /// that long edges are straight.
    fn wanted(&self, node: usize, x: &[f64]) -> (f64, f64) {
        let is_point = |node: usize| f64::from(u8::from(self.width[node] == 0.0));
        let (mut sum, mut weight) = (0.0, 0.0);
        for other in self.above[node].iter().chain(&self.below[node]) {
            let pull = 1.0 + 7.0 * is_point(node) * is_point(*other);
            sum += pull * x[*other];
            weight += pull;
        }
        if weight == 0.0 { (x[node], 1.0) } else { (sum / weight, weight) }
    }

    /// The places nearest to the wanted ones, in the sense of least squares, that keep order and gaps: with the gaps
    /// taken out it is isotonic regression, solved by pooling adjacent violators.
    fn set(&self, row: &[usize], wanted: &[(f64, f64)], x: &mut [f64]) {
        let mut offsets = Vec::with_capacity(row.len());
        let mut offset = 0.0;
        for (index, node) in row.iter().enumerate() {
            if index > 0 {
                offset += f64::midpoint(self.width[row[index - 1]], self.width[*node]) + GAP;
            }
            offsets.push(offset);
        }
        // Sum, weight and number of the members of a pool.
        let mut pools: Vec<(f64, f64, usize)> = Vec::new();
        for ((wanted, weight), offset) in wanted.iter().zip(&offsets) {
            let mut pool = ((wanted - offset) * weight, *weight, 1);
            while let Some((sum, weight, count)) = pools.pop_if(|last| last.0 / last.1 > pool.0 / pool.1) {
                pool = (pool.0 + sum, pool.1 + weight, pool.2 + count);
            }
            pools.push(pool);
        }
        let shifts = pools.iter().flat_map(|(sum, weight, count)| std::iter::repeat_n(sum / weight, *count));
        for ((node, offset), shift) in row.iter().zip(&offsets).zip(shifts) {
            x[*node] = offset + shift;
        }
    }
}

/// The place of each node in its layer.
fn positions(rows: &[Vec<usize>], nodes: usize) -> Vec<f64> {
    let mut place = vec![0.0; nodes];
    for row in rows {
        for (index, node) in row.iter().enumerate() {
            place[*node] = index as f64;
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_stand_below_what_they_read_and_apart_from_one_another() {
        let edges = BTreeSet::from([(0, 1), (0, 2), (1, 3), (2, 3), (0, 3), (4, 3)]);
        let layout = Layout::of(&[80.0; 5], &edges);
        for (from, to) in &edges {
            assert!(layout.boxes[*from].1 < layout.boxes[*to].1);
        }
        for one in 0..5 {
            for other in one + 1..5 {
                let ((x, y), (u, v)) = (layout.boxes[one], layout.boxes[other]);
                assert!((y - v).abs() > 1.0 || (x - u).abs() >= 80.0 + GAP - 1e-6, "{one} and {other} touch");
            }
        }
        assert!((layout.boxes[4].1 - layout.boxes[1].1).abs() < 1.0, "what reads nothing stands just above its reader");
    }

    #[test]
    fn edges_that_need_not_cross_do_not() {
        let edges = BTreeSet::from([(0, 3), (1, 2)]);
        let layout = Layout::of(&[60.0; 4], &edges);
        let left_first = layout.boxes[0].0 < layout.boxes[1].0;
        assert_eq!(left_first, layout.boxes[3].0 < layout.boxes[2].0);
    }

    #[test]
    fn nothing_gives_an_empty_picture() {
        let layout = Layout::of(&[], &BTreeSet::new());
        assert_eq!((layout.boxes.len(), layout.layers), (0, 0));
    }
}
