//! Embeds the images of a folder with a backbone each time a line comes on stdin, and prints the seconds that it took:
//! decoding, resizing and the net, on all cores. `benches/backbone/run` asks this and `PyTorch` in turn.
//!
//! Usage: embedding BACKBONE IMAGES, two folders. The first line that it prints is the processor's peak in GFLOP/s.

use std::path::Path;
use std::time::Instant;

use dgpipe::formats::PackedBackbone;
use dgpipe::images::decode;
use dgpipe::nets::vit::Workspace;
use dgpipe_engine::stage::View;
use macerator::{AutoArch, Scalar, Simd, Vector, WithSimd};
use rayon::prelude::*;

/// Multiplies and adds in registers, as many at a time as are needed to keep the processor busy.
struct Peak;

/// So often.
const STEPS: usize = 20_000_000;

impl WithSimd for Peak {
    type Output = f64;

    #[expect(
        clippy::inline_always,
        reason = "what is not inlined is not compiled for the instructions of the processor"
    )]
    #[inline(always)]
    fn with_simd<S: Simd>(self) -> f64 {
        let mut sums: [Vector<S, f32>; 24] = [0.0_f32.splat(); 24];
        let (factor, term) = (0.9999_f32.splat::<S>(), 0.0001_f32.splat::<S>());
        let begun = Instant::now();
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = sum.mul_add(factor, term);
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        std::hint::black_box(sums.map(Vector::reduce_add));
        2.0 * (STEPS * 24 * S::lanes32()) as f64 / seconds / 1e9
    }
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = fs_err::read_dir(folder).expect("a folder of images").flatten().map(|e| e.path()).collect();
    paths.sort();
    paths.iter().map(|path| fs_err::read(path).expect("a readable file")).collect()
}

#[expect(clippy::print_stdout, reason = "what is measured is printed")]
fn main() {
    let mut arguments = std::env::args().skip(1);
    let (backbone, images) = arguments.next().zip(arguments.next()).expect("two folders");
    let backbone = PackedBackbone::of(&View::disk(backbone)).expect("a backbone");
    let PackedBackbone { transform, net } = &*backbone;
    let files = files(Path::new(&images));
    println!("{:.1}", (0..3).map(|_| AutoArch::new().dispatch(Peak)).fold(0.0, f64::max));
    for _ in std::io::stdin().lines() {
        let begun = Instant::now();
        let embed = |work: &mut Workspace, file: &Vec<u8>| {
            let pixels = decode(file).expect("a picture");
            net.forward(&transform.apply(&pixels), work)
        };
        let vectors: Vec<Vec<f32>> = files.par_iter().map_init(|| Workspace::new(net.shape()), embed).collect();
        let seconds = begun.elapsed().as_secs_f64();
        std::hint::black_box(vectors);
        println!("{seconds:.4}");
    }
}
