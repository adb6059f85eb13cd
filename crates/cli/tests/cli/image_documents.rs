//! Hostile documents of a container image: names that lead elsewhere, bombs, circles.

use serde_json::json;

use crate::images::{BUILD, application, build, bzimage, workshop};
use crate::tarball::{archive, file, symlink};
use crate::workshop::{Workshop, sha256};

#[test]
fn documents_that_are_bombs_are_refused() {
    let shop = workshop(&application());
    shop.write("image/index.json", "[".repeat(1 << 20));
    build(&shop, "").refused();
    let mut huge = b"{\"schemaVersion\":2,\"manifests\":[".to_vec();
    huge.resize(16 << 20, b' ');
    shop.write("image/index.json", huge);
    let message = build(&shop, "").refused();
    assert!(message.contains("index.json"), "{message}");
}

#[test]
fn names_in_documents_do_not_lead_out_of_the_layout() {
    let secret = Workshop::new();
    secret.write("secret", "x");
    let outside = secret.path("secret").display().to_string();
    let shop = Workshop::new();
    shop.write("kernel", bzimage());
    shop.write("init", "init");
    for name in [outside.as_str(), "../secret", "blobs/../../secret"] {
        let manifest = json!([{"Config": name, "RepoTags": ["a:1"], "Layers": [name]}]);
        let pieces = [
            file("manifest.json", manifest.to_string()),
            symlink("link", name),
        ];
        shop.write("image.tar", archive(pieces));
        let message = shop
            .enclair("build --image docker-archive:image.tar --kernel kernel --init init")
            .refused();
        assert!(message.contains("is not in"), "{message}");
    }
}

/// Digests become names of files: one that is none does not get so far.
#[test]
fn digests_that_are_none_do_not_become_names() {
    for digest in ["sha256:../../../../etc/passwd", "sha256:", "../x", "md5:00"] {
        let shop = workshop(&application());
        let index = json!({"schemaVersion": 2, "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest,
            "size": 2,
        }]});
        shop.write("image/index.json", index.to_string());
        build(&shop, "").refused();
    }
}

#[test]
fn an_index_that_contains_itself_is_refused() {
    // A digest cannot be its own, but a chain can be longer than anybody needs.
    let shop = workshop(&application());
    let mut text = shop.text("image/index.json");
    for _ in 0..10 {
        let digest = sha256(text.as_bytes());
        shop.write(&format!("image/blobs/sha256/{digest}"), &text);
        text = json!({"schemaVersion": 2, "manifests": [{
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "digest": format!("sha256:{digest}"),
            "size": text.len(),
        }]})
        .to_string();
    }
    shop.write("image/index.json", &text);
    let message = build(&shop, "").refused();
    assert!(message.contains("deep"), "{message}");
}

/// 40 entries, each the same index of 40 entries, and so on: a hundred million ways through five
/// small documents.
#[test]
fn an_index_that_is_listed_many_times_is_read_once() {
    let shop = workshop(&application());
    let mut descriptor = json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": format!("sha256:{}", "0".repeat(64)),
        "size": 2,
        "platform": {"os": "none", "architecture": "none"},
    });
    let mut text = String::new();
    for _ in 0..5 {
        text = json!({"schemaVersion": 2, "manifests": vec![descriptor; 40]}).to_string();
        let digest = sha256(text.as_bytes());
        shop.write(&format!("image/blobs/sha256/{digest}"), &text);
        descriptor = json!({
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "digest": format!("sha256:{digest}"),
            "size": text.len(),
        });
    }
    shop.write("image/index.json", text);
    let outcome = shop.shell(&format!("timeout 10 \"$ENCLAIR\" {BUILD}"));
    assert_ne!(outcome.status, Some(124), "it takes too long");
    assert!(outcome.refused().contains("linux/amd64"));
}
