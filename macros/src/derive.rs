//! What the derive writes.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Attribute, Data, DeriveInput, Error, ExprPath, Fields, Ident, Index, Member, Path, Result,
    Type, Variant, WherePredicate, ext::IdentExt, parse_quote, spanned::Spanned,
};

use crate::{
    crate_path::crate_path,
    field::{Mark, Part, Policy, is_mapped},
};

/// A declared field, bound to a name of our own.
struct Declared<'a> {
    /// The path to this crate.
    qdel: &'a Path,
    /// Whether the type of the field names the type that is derived for.
    is_recursive: bool,
    /// Whether Bevy is to map it, too.
    is_mapped: bool,
    member: Member,
    binding: Ident,
    ty: &'a Type,
    part: Part,
    policy: Option<Policy>,
}

/// A struct, or a variant of an enum.
struct Shape<'a> {
    /// The path to this crate.
    qdel: &'a Path,
    /// `Self`, or `Self::Variant`.
    path: TokenStream,
    variant: Option<String>,
    fields: Vec<Declared<'a>>,
}

/// Writes an implementation of `References` that does nothing, so that uses of the type report no
/// errors beside the one in its declaration.
pub(crate) fn stand_in(input: &DeriveInput) -> TokenStream {
    let (qdel, name) = (crate_path(), &input.ident);
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        impl #impl_generics #qdel::__macro::References for #name #type_generics #where_clause {
            const CASCADES: bool = false;

            fn visit_references<QdelVisitor: #qdel::__macro::ReferenceVisitor>(
                &self,
                _: #qdel::__macro::OnLoss,
                _: &mut QdelVisitor,
            ) {
            }

            fn release_references(
                &mut self,
                _: #qdel::__macro::OnLoss,
                _: &mut dyn ::core::ops::FnMut(#qdel::__macro::Entity) -> bool,
            ) -> #qdel::__macro::AfterRelease {
                #qdel::__macro::AfterRelease::Valid
            }
        }

        impl #impl_generics #qdel::__macro::Releasable for #name #type_generics #where_clause {}
    }
}

/// Writes the implementation of `References` for `input`.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let qdel = &crate_path();
    let on_lost = on_lost(input, qdel)?;
    let shapes = shapes(input, qdel)?;
    let name = &input.ident;

    let declared = || shapes.iter().flat_map(|shape| &shape.fields);
    let mut generics = input.generics.clone();
    if !generics.params.is_empty() {
        let others = declared().filter(|field| !field.is_recursive);
        let bounds = others.map(Declared::bound).collect::<Vec<_>>();
        generics.make_where_clause().predicates.extend(bounds);
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();

    let cascades = declared().map(Declared::cascades);
    let visits = shapes.iter().map(Shape::visit);
    let releases = shapes.iter().map(Shape::release);
    let checks = declared().map(Declared::check);
    // A match on a reference to an enum without variants needs an arm.
    let scrutinee = if shapes.is_empty() {
        quote!(*self)
    } else {
        quote!(self)
    };
    // A type of its own says so before what Bevy's derive has written is read; it cannot name
    // parameters.
    let mapped = declared().filter(|field| field.is_mapped && !field.is_recursive);
    let mapped = mapped.filter(|_| input.generics.params.is_empty());
    let mapped = mapped.map(Declared::check_mapped);
    Ok(quote! {
        #(#mapped)*

        impl #impl_generics #qdel::__macro::References for #name #type_generics #where_clause {
            const CASCADES: bool = false #(|| #cascades)*;

            fn visit_references<QdelVisitor: #qdel::__macro::ReferenceVisitor>(
                &self,
                policy: #qdel::__macro::OnLoss,
                visitor: &mut QdelVisitor,
            ) {
                let _ = (policy, &visitor);
                match #scrutinee { #(#visits)* }
            }

            fn release_references(
                &mut self,
                policy: #qdel::__macro::OnLoss,
                is_lost: &mut dyn ::core::ops::FnMut(#qdel::__macro::Entity) -> bool,
            ) -> #qdel::__macro::AfterRelease {
                #(#checks)*
                let _ = (policy, &is_lost);
                match #scrutinee { #(#releases)* }
            }

            #on_lost
        }

        impl #impl_generics #qdel::__macro::Releasable for #name #type_generics #where_clause {}
    })
}

impl Declared<'_> {
    /// Returns whether the field is emptied and nothing else: then it must be able to.
    fn clears(&self) -> bool {
        matches!(self.policy, None | Some(Policy::Clear))
    }

    /// Returns the trait by which the part that names entities is reached.
    fn reach(&self) -> TokenStream {
        let (qdel, name) = (self.qdel, format_ident!("{}", self.part.trait_name()));
        quote!(#qdel::__macro::#name)
    }

    /// Returns what a generic field must be.
    fn bound(&self) -> WherePredicate {
        let (qdel, ty) = (self.qdel, self.ty);
        let reach = self.reach();
        if self.part != Part::All {
            parse_quote!(#ty: #reach)
        } else if self.clears() {
            parse_quote!(#ty: #qdel::__macro::References + #qdel::__macro::Releasable)
        } else {
            parse_quote!(#ty: #qdel::__macro::References)
        }
    }

    /// Returns whether losing what the field names may delete more or refuse the deletion.
    fn cascades(&self) -> TokenStream {
        let ty = self.ty;
        match self.policy {
            Some(Policy::Qdel | Policy::Deny) => quote!(true),
            // A type whose constant hangs on itself has none.
            _ if self.is_recursive => quote!(true),
            None | Some(Policy::Clear | Policy::Remove) => {
                let reach = self.reach();
                quote!(<#ty as #reach>::CASCADES)
            }
        }
    }

    /// Writes what only compiles if the field can be reached, and emptied if it is to be, with the
    /// complaint at its type.
    fn check(&self) -> TokenStream {
        let (qdel, ty) = (self.qdel, self.ty);
        let reach = if self.clears() && self.part == Part::All {
            quote!(#qdel::__macro::Releasable)
        } else {
            self.reach()
        };
        quote_spanned!(ty.span()=> {
            fn must_be_reachable<QdelField: #reach>() {}
            let _ = must_be_reachable::<#ty>;
        })
    }

    /// Writes what only compiles if Bevy can map the field, with the complaint at its type.
    fn check_mapped(&self) -> TokenStream {
        let (qdel, ty) = (self.qdel, self.ty);
        quote_spanned! {ty.span()=>
            #[allow(dead_code)]
            const _: () = {
                struct Mapped<QdelField: #qdel::__macro::Mappable>(::core::marker::PhantomData<QdelField>);
                struct Field(Mapped<#ty>);
            };
        }
    }

    /// Writes the policy: its own, or that of what it is part of.
    fn policy(&self) -> TokenStream {
        match self.policy {
            None => quote!(policy),
            Some(policy) => {
                let (qdel, variant) = (self.qdel, format_ident!("{}", policy.variant()));
                quote!(#qdel::__macro::OnLoss::#variant)
            }
        }
    }

    fn visit(&self) -> TokenStream {
        let (qdel, binding, policy, reach) =
            (self.qdel, &self.binding, self.policy(), self.reach());
        let name = match &self.member {
            Member::Named(name) => name.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        };
        quote! {
            visitor.enter(#qdel::__macro::PathStep::Field(#name));
            #reach::visit_references(#binding, #policy, visitor);
            visitor.leave();
        }
    }

    fn release(&self) -> TokenStream {
        let (binding, policy, reach) = (&self.binding, self.policy(), self.reach());
        quote!(let remains = remains.and(#reach::release_references(#binding, #policy, is_lost));)
    }
}

impl Shape<'_> {
    /// Writes an arm that visits the fields.
    fn visit(&self) -> TokenStream {
        let (qdel, pattern) = (self.qdel, self.pattern());
        let visits = self.fields.iter().map(Declared::visit);
        match &self.variant {
            Some(variant) if !self.fields.is_empty() => quote! {
                #pattern => {
                    visitor.enter(#qdel::__macro::PathStep::Variant(#variant));
                    #(#visits)*
                    visitor.leave();
                }
            },
            _ => quote!(#pattern => { #(#visits)* }),
        }
    }

    /// Writes an arm that releases the fields.
    fn release(&self) -> TokenStream {
        let pattern = self.pattern();
        let releases = self.fields.iter().map(Declared::release);
        let qdel = self.qdel;
        quote!(#pattern => {
            let remains = #qdel::__macro::AfterRelease::Valid;
            #(#releases)*
            remains
        })
    }

    fn pattern(&self) -> TokenStream {
        let path = &self.path;
        let fields = self.fields.iter().map(|field| {
            let (member, binding) = (&field.member, &field.binding);
            quote!(#member: #binding,)
        });
        quote!(#path { #(#fields)* .. })
    }
}

/// Returns the struct, or the variants of the enum.
fn shapes<'a>(input: &'a DeriveInput, qdel: &'a Path) -> Result<Vec<Shape<'a>>> {
    match &input.data {
        Data::Struct(data) => Ok(vec![Shape {
            qdel,
            path: quote!(Self),
            variant: None,
            fields: declared(&input.ident, &data.fields, qdel)?,
        }]),
        Data::Enum(data) => {
            let mut shapes = Vec::new();
            let mut errors = Errors::default();
            for variant in &data.variants {
                errors.keep(refuse_marks(variant));
                if let Some(fields) = errors.keep(declared(&input.ident, &variant.fields, qdel)) {
                    let ident = &variant.ident;
                    shapes.push(Shape {
                        qdel,
                        path: quote!(Self::#ident),
                        variant: Some(ident.to_string()),
                        fields,
                    });
                }
            }
            errors.or(shapes)
        }
        Data::Union(data) => Err(Error::new_spanned(
            data.union_token,
            "a union does not say which of its fields holds; write a struct or an enum",
        )),
    }
}

/// Refuses marks that stand at a variant.
fn refuse_marks(variant: &Variant) -> Result<()> {
    let is_mark = |attribute: &&Attribute| {
        attribute.path().is_ident("entities") || attribute.path().is_ident("references")
    };
    match variant.attrs.iter().find(is_mark) {
        Some(mark) => Err(Error::new_spanned(
            mark,
            "a variant names no entities, its fields do; put the mark at a field",
        )),
        None => Ok(()),
    }
}

/// Returns the declared fields of a struct or a variant.
fn declared<'a>(of: &Ident, fields: &'a Fields, qdel: &'a Path) -> Result<Vec<Declared<'a>>> {
    let mut declared = Vec::new();
    let mut errors = Errors::default();
    for (number, field) in fields.iter().enumerate() {
        if let Some(Mark::References(part, policy)) = errors.keep(Mark::of(field)) {
            let member = match &field.ident {
                Some(name) => Member::Named(name.clone()),
                None => Member::Unnamed(Index::from(number)),
            };
            declared.push(Declared {
                qdel,
                is_mapped: is_mapped(field),
                is_recursive: names(field.ty.to_token_stream(), of),
                member,
                binding: format_ident!("field_{number}"),
                ty: &field.ty,
                part,
                policy,
            });
        }
    }
    errors.or(declared)
}

/// Returns `true` if `name` occurs among the tokens.
fn names(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name || ident == "Self",
        TokenTree::Group(group) => names(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Writes the method that is told of what was lost, if the type names one.
fn on_lost(input: &DeriveInput, qdel: &Path) -> Result<Option<TokenStream>> {
    let mut method = None;
    for attribute in &input.attrs {
        if attribute.path().is_ident("references") {
            attribute.parse_nested_meta(|meta| {
                if !meta.path.is_ident("on_lost") {
                    return Err(meta.error(
                        "a type takes `on_lost = path::of::method` only; policies stand at fields",
                    ));
                }
                if method.is_some() {
                    return Err(meta.error("there is one method that is told; leave one of them"));
                }
                method = Some(meta.value()?.parse::<ExprPath>()?);
                Ok(())
            })?;
        }
    }
    Ok(method.map(|method| {
        quote! {
            fn on_lost(&mut self, lost: #qdel::__macro::Lost<'_>) {
                let on_lost: fn(&mut Self, #qdel::__macro::Lost<'_>) = #method;
                on_lost(self, lost);
            }
        }
    }))
}

/// All that is wrong, to be said at once.
#[derive(Default)]
struct Errors(Option<Error>);

impl Errors {
    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                match &mut self.0 {
                    Some(first) => first.combine(error),
                    None => self.0 = Some(error),
                }
                None
            }
        }
    }

    fn or<T>(self, value: T) -> Result<T> {
        self.0.map_or(Ok(value), Err)
    }
}
