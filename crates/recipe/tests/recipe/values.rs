//! What a good recipe says.

use enclair_configuration::{Bound, Limit, Resource};
use enclair_recipe::{
    Artifact, Base, Content, Distribution, Epoch, Grant, ImageReference, LogTarget, Principal,
    ProviderKind, RamdiskCompression, Recipe, Scripts, Settings, Source,
};

const MINIMAL: &str = "schema = 1\n[source]\nimage = \"debian:12\"\n";

fn parse(document: &str) -> Recipe {
    Recipe::parse(document).unwrap_or_else(|problems| panic!("{problems}\n{document}"))
}

#[test]
fn a_minimal_recipe_has_the_defaults_of_the_table() {
    let recipe = parse(MINIMAL);
    assert_eq!(*recipe.enclave.name, "enclave");
    assert_eq!(*recipe.enclave.version, "0");
    assert_eq!(recipe.enclave.arch.as_str(), "x86_64");
    assert_eq!(*recipe.enclave.epoch, Epoch::Seconds(0));
    assert_eq!(recipe.enclave.cmdline, None);
    assert_eq!(*recipe.run.hostname, "enclave");
    assert!(recipe.run.command.is_none() && recipe.run.limits.is_empty());
    assert_eq!(*recipe.logs, LogTarget::None);
    assert_eq!(*recipe.compression, RamdiskCompression::None);
    assert_eq!(*recipe.unpacked, 16 << 30);
    assert!(recipe.boot.kernel.is_none() && recipe.overlay.is_empty());
    assert!(recipe.enclave.name.span().is_none());
    let Source::Image(image) = &recipe.source else {
        panic!("{:?}", recipe.source);
    };
    assert_eq!(image.to_string(), "docker.io/library/debian:12");
    let span = image.span().unwrap();
    assert_eq!(&MINIMAL[span.start..span.end], "\"debian:12\"");
    assert!(recipe.not_built_yet().is_empty());
}

#[test]
fn a_full_recipe_is_typed() {
    let recipe = parse(include_str!(
        "../../../../fuzz/corpus/recipe/good-full.toml"
    ));
    assert_eq!(*recipe.enclave.epoch, Epoch::Commit);
    assert!(recipe.run.grants(Grant::Nsm) && !recipe.run.grants(Grant::Vsock));
    assert_eq!(
        recipe.run.limits[&Resource::Nofile].get(),
        &Limit {
            soft: Bound::At(1024),
            hard: Bound::Unlimited
        }
    );
    let [config, link] = &recipe.overlay[..] else {
        panic!("{:?}", recipe.overlay);
    };
    assert!(matches!(&config.content, Content::Project(from) if **from == "config"));
    assert_eq!(config.owner.user, Principal::Name("app".into()));
    assert_eq!(config.owner.group, Some(Principal::Id(7)));
    assert_eq!(config.mode.unwrap().bits(), 0o640);
    assert_eq!(config.dir_mode.bits(), 0o750);
    assert!(*config.untracked);
    assert!(matches!(&link.content, Content::Link(target) if **target == "../x"));
    assert!(
        matches!(recipe.boot.kernel.as_deref(), Some(Artifact::File { path }) if **path == "k")
    );
    assert!(matches!(
        recipe.boot.init.as_deref(),
        Some(Artifact::Url {
            sha256: Some(_),
            path: Some(_),
            ..
        })
    ));
    assert!(matches!(
        recipe.boot.nsm_module.as_deref(),
        Some(Artifact::Image { reference, .. }) if **reference == "a/b:1".parse().unwrap()
    ));
    let kinds: Vec<_> = recipe
        .settings
        .providers
        .iter()
        .map(|provider| *provider.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            ProviderKind::Blob,
            ProviderKind::Image,
            ProviderKind::Url,
            ProviderKind::Package
        ]
    );
    assert!(*recipe.settings.registries["localhost:5000"].insecure);
    let archive = &recipe.settings.archives["debian"];
    assert_eq!(archive.mirrors.len(), 2);
    assert!(*archive.exclusive);
    assert_eq!(*recipe.unpacked, 64 << 20);
}

#[test]
fn what_is_not_built_yet_is_listed_with_its_line() {
    let document = include_str!("../../../../fuzz/corpus/recipe/good-not-built-yet.toml");
    let recipe = parse(document);
    let found: Vec<_> = recipe
        .not_built_yet()
        .into_iter()
        .map(|found| {
            let line = document[..found.span.start].matches('\n').count() + 1;
            let line = document.lines().nth(line - 1).unwrap();
            let last = found.key.rsplit('.').next().unwrap();
            assert!(line.contains(last), "{} at `{line}`", found.key);
            found.key
        })
        .collect();
    let expected = ["source.packages.distribution", "sign"];
    assert_eq!(found, expected);
    let dockerfile = parse("schema = 1\nsource.dockerfile = \"Dockerfile\"\n");
    assert_eq!(dockerfile.not_built_yet()[0].key, "source.dockerfile");
}

#[test]
fn artifacts_outside_of_the_project_are_private() {
    for (artifact, private) in [
        ("\"kernel\"", false),
        ("\"../kernel\"", true),
        ("{ file = \"/boot/kernel\" }", true),
        ("{ url = \"https://x.y/z\" }", false),
        ("{ image = \"debian\", path = \"/k\" }", false),
        ("{ image = \"oci:../x\", path = \"/k\" }", true),
        ("{ image = \"docker-daemon:x\", path = \"/k\" }", true),
    ] {
        let recipe = parse(&format!("{MINIMAL}[boot]\nkernel = {artifact}\n"));
        assert_eq!(
            recipe.boot.kernel.unwrap().is_private(),
            private,
            "{artifact}"
        );
    }
    let recipe = parse("schema = 1\nsource.image = \"docker-archive:../app.tar\"\n");
    let Source::Image(image) = recipe.source else {
        panic!("no image");
    };
    assert!(image.is_private() && matches!(*image, ImageReference::DockerArchive { .. }));
}

#[test]
fn sizes_epochs_and_limits_have_their_edges() {
    for (line, good) in [
        ("limits.unpacked = 1", true),
        ("limits.unpacked = \"1k\"", true),
        ("limits.unpacked = \"99999999T\"", false),
        ("limits.unpacked = \"0\"", false),
        ("limits.unpacked = \"\"", false),
        ("limits.unpacked = \"+1\"", false),
        ("enclave.epoch = 4294967295", true),
        ("enclave.epoch = 0xffff_ffff", true),
        ("enclave.epoch = 4294967296", false),
        ("enclave.epoch = -1", false),
        (
            "enclave.epoch = 99999999999999999999999999999999999999999999",
            false,
        ),
        ("run.limits.core = 9007199254740991", true),
        ("run.limits.core = 9007199254740992", false),
        ("run.limits.core = \"2:1\"", false),
        ("run.limits.core = \"0:unlimited\"", true),
        ("run.limits.core = \"1:2:3\"", false),
        ("network.ingress = [1, 65535]", true),
        ("network.ingress = [0]", false),
        ("network.ingress = [65536]", false),
        (
            "network.egress = [\"*.example.org:443\", \"[::1]:53\", \"10.0.0.1\"]",
            true,
        ),
        ("network.ingress = [\"443:8443\", 80]", true),
        ("network.ingress = [\"443:8443\", 443]", false),
        ("network.ingress = [\"443\", 80]", true),
        ("network.ingress = [\"443:\"]", false),
        ("network.ingress = [\"0:1\"]", false),
        ("network.ingress = [\"1:+1\"]", false),
        ("boot.agent = \"a\"", false),
        ("boot.agent = \"a\"\nattestation = {}", true),
        ("attestation.port = 1", true),
        ("attestation.port = 0", false),
        ("attestation = {}", true),
        ("attestation = true", false),
        ("network.egress = [\"!*:25\", \"10.0.0.0/8:1-2\"]", true),
        ("network.egress = [\"10.0.0.1/8\"]", false),
        ("network.egress = [\"a\", \"a\"]", false),
        ("network.egress = [\"a.*.org\"]", false),
        ("network.egress = [\"https://a.org\"]", false),
        ("run.hostname = \"a.b-c\"", true),
        ("run.hostname = \"-a\"", false),
        ("run.user = \"1000:1000\"", true),
        ("run.user = \"\"", false),
        ("enclave.cmdline = \"a\\nb\"", false),
        ("registry.\"a b\".insecure = true", false),
        ("registry.\"a.b\".mirrors = [\"c.d:1/e/f\"]", true),
        ("registry.\"a.b\".mirrors = [\"https://c.d\"]", false),
        ("registry.\"a.b\".mirrors = [\"c.d/../e\"]", false),
        ("archive.debian.mirrors = [\"http://c.d:1/e\"]", true),
        ("archive.debian.mirrors = [\"file:///srv/a\"]", true),
        ("archive.debian.mirrors = [\"file://srv/a\"]", false),
        ("archive.debian.mirrors = [\"c.d/e\"]", false),
        ("archive.debian.mirrors = [\"http://u:p@c.d/e\"]", false),
        ("archive.debian.mirrors = [\"http://c.d/e?f\"]", false),
        ("archive.debian.exclusive = true", true),
        ("archive.\"a b\".mirrors = []", false),
    ] {
        let document = format!("{line}\n{MINIMAL}");
        assert_eq!(Recipe::parse(&document).is_ok(), good, "{line}");
    }
}

#[test]
fn templates_have_known_schemes_and_variables() {
    for (url, good) in [
        (
            "https://a.b/{name}/{basename}/{sha256}/{sha1}/{cid}/{epoch}/{date}",
            true,
        ),
        ("file:///x/{sha256}", true),
        ("oci://a.b/c", true),
        ("http://{sha256}.a.b/", true),
        ("ftp://a.b/{sha256}", false),
        ("file://x/{sha256}", false),
        ("https://a.b/{md5}", false),
        ("https://a.b/{sha256", false),
        ("https://a.b/sha256}", false),
        ("https://a.b/{{sha256}}", false),
        ("https://u:p@a.b/{sha256}", false),
        ("https://a b/{sha256}", false),
        ("https://", false),
        ("https://a.b/{{.MD5}}", false),
        ("https://a.b/{{.Name}", false),
        ("https://a.b/{{.Epoch}}", false),
        ("https://a b/{{.Name}}", false),
        ("https://a.b/{{.Name}}}", false),
    ] {
        let document = format!("[[provider]]\nkind = \"blob\"\nurl = \"{url}\"\n");
        assert_eq!(Settings::parse(&document).is_ok(), good, "{url}");
    }
    assert_eq!(Settings::parse(""), Ok(Settings::default()));
    assert!(Settings::parse("schema = 1").is_err());
}

#[test]
fn the_templates_of_repro_get_are_taken() {
    for (theirs, ours) in [
        ("http://a.b/debian/{{.Name}}", "http://a.b/debian/{name}"),
        (
            "http://a.b/archive/debian/{{timeToDebianSnapshot .Epoch}}/{{.Name}}",
            "http://a.b/archive/debian/{date}/{name}",
        ),
        (
            "https://a.b/+files/{{ .Basename }}",
            "https://a.b/+files/{basename}",
        ),
        ("file:///dir/{{.SHA256}}", "file:///dir/{sha256}"),
        (
            "http://a.b/ipfs/{{.CID}}?x={sha256}",
            "http://a.b/ipfs/{cid}?x={sha256}",
        ),
    ] {
        let document = format!("[[provider]]\nkind = \"package\"\nurl = \"{theirs}\"\n");
        let settings = Settings::parse(&document).unwrap();
        let provider = settings.providers.first().unwrap();
        assert_eq!(provider.url.as_str(), ours);
    }
}

#[test]
fn deep_and_long_documents_are_refused_and_end_nothing() {
    let dotted = format!("{}x = 1", "a.".repeat(200_000));
    let header = format!("[{}x]", "a . ".repeat(200_000));
    let quoted = format!("[{}x]", "'a'.\"b\".".repeat(50_000));
    let arrays = format!("x = {}", "[".repeat(500_000));
    let tables = format!("x = {}", "{a=".repeat(300_000));
    let long = " ".repeat((1 << 20) + 1);
    let many = (0..80_000).fold(String::new(), |many, key| many + &format!("k{key}=1\n"));
    let far = format!("a=1\n{}{}", "#\n".repeat(500_000), "a=1\n".repeat(10_000));
    let twice = "a=1\n".repeat(200_000);
    for document in [
        dotted, header, quoted, arrays, tables, long, many, twice, far,
    ] {
        let problems = Recipe::parse(&document).unwrap_err();
        assert!(problems.iter().count() <= 100);
        let text = problems.render("x", &document, 80, enclair_recipe::Colour::Never);
        assert!(text.len() < 1 << 20, "{}", text.len());
    }
}

#[test]
fn packages_are_read_with_what_is_supplied_in_place_of_their_scripts() {
    let recipe = parse(include_str!(
        "../../../../fuzz/corpus/recipe/good-packages.toml"
    ));
    assert!(recipe.not_built_yet().is_empty());
    let Source::Packages(packages) = &recipe.source else {
        panic!("{:?}", recipe.source);
    };
    assert_eq!(*packages.archive.distribution, Distribution::Debian);
    assert_eq!(*packages.base, Base::Required);
    assert_eq!(*packages.scripts, Scripts::Refuse);
    assert_eq!(packages.install.len(), 3);
    let [repository] = packages.repositories.as_slice() else {
        panic!("{:?}", packages.repositories);
    };
    assert_eq!(**repository.name, *"pgdg");
    assert_eq!(*repository.components[0], "main");
    let effects = &packages.effects;
    assert_eq!(*effects.users[0].uid, 1000);
    assert_eq!(*effects.files[0].content, "a = 1\n");
    assert_eq!(effects.modes[0].mode, None);
    let kernel = recipe.boot.kernel.unwrap();
    let Artifact::Package { name, archive, .. } = kernel.get() else {
        panic!("{kernel:?}");
    };
    assert_eq!(
        (name.get().as_str(), archive),
        ("linux-image-cloud-amd64", &None)
    );
}

#[test]
fn files_that_are_laid_may_be_from_elsewhere() {
    let recipe = parse(include_str!(
        "../../../../fuzz/corpus/recipe/good-laid.toml"
    ));
    let kinds: Vec<_> = recipe
        .file_artifacts()
        .map(|artifact| match artifact.get() {
            Artifact::File { .. } => "file",
            Artifact::Url { .. } => "url",
            Artifact::Image { .. } => "image",
            Artifact::Package { .. } => "package",
        })
        .collect();
    assert_eq!(kinds, ["package", "url", "image"]);
    assert_eq!(recipe.files().count(), 4);
    // The kernel's, and those that are laid.
    assert_eq!(recipe.artifacts().count(), 4);
}

#[test]
fn a_laid_file_is_the_projects_or_says_whose_it_is() {
    for (from, problem) in [
        (
            "{ file = \"../a\" }",
            "files that are laid into the image are the project's own",
        ),
        (
            "{ package = \"busybox\", path = \"/bin/busybox\" }",
            "whose package this is is not said",
        ),
        (
            "{ package = \"busybox\" }",
            "`source.files[0].from.path` is missing",
        ),
        (
            "{ url = \"https://a.b/c\" }, untracked = true",
            "`source.files[0].untracked` has no meaning here",
        ),
        ("[\"a\"]", "`source.files[0].from`"),
    ] {
        let document = format!("schema = 1\nsource.files = [{{ from = {from}, to = \"/a\" }}]\n");
        let problems = Recipe::parse(&document).unwrap_err();
        assert!(problems.to_string().contains(problem), "{problems}");
    }
}
