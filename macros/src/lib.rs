//! The derive of `qdel`: declared references.
//!
//! Use it through `qdel`, which explains it.

mod crate_path;
mod derive;
mod field;

use proc_macro::TokenStream;

/// Derives `References`: which fields name entities, and what becomes of them when such an entity
/// goes away.
#[proc_macro_derive(References, attributes(entities, references))]
pub fn derive_references(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    let derived = derive::derive(&input).unwrap_or_else(|error| {
        let mut said = error.into_compile_error();
        said.extend(derive::stand_in(&input));
        said
    });
    derived.into()
}
