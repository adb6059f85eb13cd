//! `enclair schema`.

use enclair_build::Report;
use schemars::generate::SchemaSettings;

use crate::arguments::{DocumentArgument, Schema};
use crate::documents::{AssembleDocument, ExplainDocument, InspectDocument, RamdiskFileDocument};
use crate::printer::Printer;
use crate::run_documents::{DoctorDocument, RunDocument};

/// Prints the JSON schema of a document.
pub(crate) fn run(arguments: &Schema, printer: &Printer) -> anyhow::Result<()> {
    // What is written, not what would be accepted: a member that may be left out is optional.
    let generator = SchemaSettings::default().for_serialize().into_generator();
    printer.json(&match arguments.document {
        DocumentArgument::Measurements => generator.into_root_schema_for::<Report>(),
        DocumentArgument::Assemble => generator.into_root_schema_for::<AssembleDocument>(),
        DocumentArgument::Inspect => generator.into_root_schema_for::<InspectDocument>(),
        DocumentArgument::InspectRamdisk => generator.into_root_schema_for::<RamdiskFileDocument>(),
        DocumentArgument::Explain => generator.into_root_schema_for::<ExplainDocument>(),
        DocumentArgument::Run => generator.into_root_schema_for::<RunDocument>(),
        DocumentArgument::Doctor => generator.into_root_schema_for::<DoctorDocument>(),
    })
}
