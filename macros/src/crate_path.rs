//! What this crate is called where its derive is used.

use proc_macro_crate::{FoundCrate, crate_name};
use syn::{Ident, Path, parse_quote};

/// Returns the path to `qdel`: a manifest may have another name for it.
pub(crate) fn crate_path() -> Path {
    match crate_name("qdel") {
        Ok(FoundCrate::Name(name)) => {
            let name: Ident = quote::format_ident!("{name}");
            parse_quote!(::#name)
        }
        // Tests and examples of this crate, or a crate that has it through another one and calls it
        // `qdel`.
        Ok(FoundCrate::Itself) | Err(_) => parse_quote!(::qdel),
    }
}
