//! What `dgpipe fetch` knows: the data set and the net of `pipelines/pacs.yaml`, as they are published on the hub of
//! Hugging Face, at revisions that stay.

use dgpipe_cli::{Download, DownloadFile};

const HUB: &str = "https://huggingface.co";

/// Sizes and digests are those of the hub at these revisions.
pub(crate) const DOWNLOADS: &[Download] = &[PACS, VIT];

const PACS: Download = Download {
    name: "pacs",
    about: "PACS: 9,991 images, 4 domains, 7 classes, as Parquet (flwrlabs/pacs, 183 MiB; for research)",
    server: HUB,
    path: "datasets/flwrlabs/pacs/resolve/394113073258ead631f617d2e13bb377c0715c4b",
    files: &[DownloadFile {
        path: "data/train-00000-of-00001.parquet",
        size: Some(191_395_900),
        at_most: 191_395_900,
        sha256: "4fc041ee92eec6043fe6e2859e8bdd138e5f958bc621afd153879812cbe65ff5",
    }],
    folder: "data/pacs-parquet",
    next: "next: dgpipe fetch vit-base-patch16-224-in21k\n      dgpipe run pipelines/pacs.yaml --profile full,hub",
};

const VIT: Download = Download {
    name: "vit-base-patch16-224-in21k",
    about: "ViT-B/16 pre-trained on ImageNet-21k (google/vit-base-patch16-224-in21k, 330 MiB; Apache-2.0)",
    server: HUB,
    path: "google/vit-base-patch16-224-in21k/resolve/b4569560a39a0f1af58e3ddaf17facf20ab919b0",
    files: &[
        DownloadFile {
            path: "config.json",
            size: Some(502),
            at_most: 502,
            sha256: "d477a481f825c170a1bb8cd5e4f5788319466ecf4ede0eb24e9cd923a9aa8fea",
        },
        DownloadFile {
            path: "preprocessor_config.json",
            size: Some(160),
            at_most: 160,
            sha256: "90d1ae427c27d2b9dcb01f6a62ba96aa67aac2de1697c59cd212055b5035c4a2",
        },
        DownloadFile {
            path: "model.safetensors",
            size: None,
            // 86,389,248 weights, and the header that names their 200 tensors.
            at_most: 4 * 86_389_248 + (1 << 20),
            sha256: "fd4e1169c7aa6c2dbfa8a6448be13b35abc0ee256190857c90009d12c094619b",
        },
    ],
    folder: "data/vit-base-patch16-224-in21k",
    next: "next: dgpipe run pipelines/pacs.yaml --profile full    (or full,hub after dgpipe fetch pacs)",
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_can_be_fetched_is_pinned_and_stays_in_its_folder() {
        for download in DOWNLOADS {
            let (_, revision) = download.path.rsplit_once('/').unwrap();
            assert!(is_hexadecimal(revision, 40), "{} is at a revision", download.name);
            let names: BTreeSet<&str> = download.files.iter().map(DownloadFile::name).collect();
            assert_eq!(names.len(), download.files.len(), "no two files of {} have one name", download.name);
            for file in download.files {
                assert!(is_hexadecimal(file.sha256, 64), "{}", file.path);
                assert!(file.size.is_none_or(|size| size == file.at_most), "{}", file.path);
                assert!(!file.name().is_empty() && !file.path.contains(".."), "{}", file.path);
            }
        }
    }

    fn is_hexadecimal(text: &str, length: usize) -> bool {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }
}
