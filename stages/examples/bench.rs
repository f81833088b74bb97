//! Scratch.
#![allow(clippy::all, clippy::pedantic)]
use dgpipe_engine::stage::*;
use std::time::Instant;
use dgpipe::device::Device;
fn cfg<T: serde::de::DeserializeOwned>(s: &str) -> T { serde_json::from_str(s).unwrap() }
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let root = std::path::PathBuf::from("/tmp/vit-bench");
    let ambient = || Ambient::default().with(Device::cpu());
    let run = |name: &str| { let p = root.join(name); let _ = std::fs::remove_dir_all(&p); p };
    let size = std::env::var("SIZE").unwrap_or("64".into());
    match args[1].as_str() {
        "draw" => {
            let t = Instant::now();
            let r = Solo::new(run("images")).execute::<dgpipe::draw_miniature::DrawMiniature>(&cfg(&format!(r#"{{"seed":7,"scale":0.1,"size":{size}}}"#))).unwrap();
            println!("draw {:?} {:?}", t.elapsed(), r.metrics);
            let t = Instant::now();
            let r = Solo::new(run("pre")).execute::<dgpipe::draw_miniature::DrawMiniature>(&cfg(&format!(r#"{{"seed":1007,"set":"pretraining","styles":["photo"],"per_class":60,"size":{size}}}"#))).unwrap();
            println!("draw pre {:?} {:?}", t.elapsed(), r.metrics);
        }
        "pretrain" => {
            let t = Instant::now();
            let r = Solo::new(run("bb")).input("images", root.join("pre/images")).ambient(ambient()).execute::<dgpipe::pretrain_vit::PretrainVit>(&cfg(&args[2])).unwrap();
            println!("pretrain {:?} {:?}", t.elapsed(), r.metrics);
            let h = std::fs::read_to_string(&r.outputs["history"]).unwrap();
            for (i, l) in h.lines().enumerate() { if i % 5 == 4 { println!("{l}"); } }
        }
        "embed" => {
            let t = Instant::now();
            for d in ["art_painting", "cartoon", "photo", "sketch"] {
                let r = Solo::new(run(&format!("emb_{d}"))).input("images", root.join("images/images").join(d)).input("backbone", root.join("bb/backbone")).ambient(ambient()).execute::<dgpipe::embed_vit::EmbedVit>(&cfg("{}")).unwrap();
                println!("embed {d} {:?} {:?}", t.elapsed(), r.metrics);
            }
        }
        "many" => {
            let t = Instant::now();
            let r = Solo::new(run("emb_many")).input("images", &args[2]).input("backbone", root.join("bb/backbone")).ambient(ambient()).execute::<dgpipe::embed_vit::EmbedVit>(&cfg("{}")).unwrap();
            println!("many {:?} {:?}", t.elapsed(), r.metrics);
            let s = std::fs::read_to_string("/proc/self/status").unwrap();
            for l in s.lines().filter(|l| l.starts_with("VmHWM")) { println!("{l}"); }
        }
        _ => {}
    }
}
