//! `enclair schema`.

use enclair_build::Report;
use enclair_build::packages::PackagesDocument;
use schemars::generate::SchemaSettings;

use crate::arguments::{DocumentArgument, Schema};
use crate::documents::{AssembleDocument, ExplainDocument, InspectDocument, RamdiskFileDocument};
use crate::events::EventDocument;
use crate::host_documents::HostDocument;
use crate::local_documents::{LocalDocument, PsDocument};
use crate::packages_documents::{
    ExplainPathDocument, PackagesDiffDocument, PackagesDownloadDocument, PackagesFromImageDocument,
    PackagesListDocument, PackagesWhyDocument,
};
use crate::printer::Printer;
use crate::project_documents::{
    CollectedDocument, ImportedDocument, InitDocument, LockDocument, LogDocument,
    StoreSizeDocument, StoreVerifyDocument,
};
use crate::run_documents::{DoctorDocument, RunDocument};

/// Prints the JSON schema of a document.
pub(crate) fn run(arguments: &Schema, printer: &Printer) -> anyhow::Result<()> {
    // What is written, not what would be accepted: a member that may be left out is optional.
    let generator = SchemaSettings::default().for_serialize().into_generator();
    let schema = match arguments.document {
        DocumentArgument::Measurements => generator.into_root_schema_for::<Report>(),
        DocumentArgument::Packages => generator.into_root_schema_for::<PackagesDocument>(),
        DocumentArgument::Assemble => generator.into_root_schema_for::<AssembleDocument>(),
        DocumentArgument::Inspect => generator.into_root_schema_for::<InspectDocument>(),
        DocumentArgument::InspectRamdisk => generator.into_root_schema_for::<RamdiskFileDocument>(),
        DocumentArgument::Explain => generator.into_root_schema_for::<ExplainDocument>(),
        DocumentArgument::Run => generator.into_root_schema_for::<RunDocument>(),
        DocumentArgument::Host => generator.into_root_schema_for::<HostDocument>(),
        DocumentArgument::Event => generator.into_root_schema_for::<EventDocument>(),
        DocumentArgument::Detached => generator.into_root_schema_for::<LocalDocument>(),
        DocumentArgument::Ps => generator.into_root_schema_for::<PsDocument>(),
        // Written by the crate that reads recipes: what it describes is what a person may write.
        DocumentArgument::Recipe => return Ok(printer.result(&enclair_recipe::recipe_schema())?),
        DocumentArgument::Init => generator.into_root_schema_for::<InitDocument>(),
        DocumentArgument::Lock => generator.into_root_schema_for::<LockDocument>(),
        DocumentArgument::StoreSize => generator.into_root_schema_for::<StoreSizeDocument>(),
        DocumentArgument::StoreVerify => generator.into_root_schema_for::<StoreVerifyDocument>(),
        DocumentArgument::StoreGc => generator.into_root_schema_for::<CollectedDocument>(),
        DocumentArgument::StoreImport => generator.into_root_schema_for::<ImportedDocument>(),
        DocumentArgument::Log => generator.into_root_schema_for::<LogDocument>(),
        DocumentArgument::PackagesList => generator.into_root_schema_for::<PackagesListDocument>(),
        DocumentArgument::PackagesWhy => generator.into_root_schema_for::<PackagesWhyDocument>(),
        DocumentArgument::PackagesDownload => {
            generator.into_root_schema_for::<PackagesDownloadDocument>()
        }
        DocumentArgument::PackagesDiff => generator.into_root_schema_for::<PackagesDiffDocument>(),
        DocumentArgument::PackagesFromImage => {
            generator.into_root_schema_for::<PackagesFromImageDocument>()
        }
        DocumentArgument::ExplainPath => generator.into_root_schema_for::<ExplainPathDocument>(),
        DocumentArgument::Doctor => generator.into_root_schema_for::<DoctorDocument>(),
    };
    printer.json(&schema)
}
