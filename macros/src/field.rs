//! What the attributes of a field say.

use syn::{
    Error, Field, GenericArgument, Ident, PathArguments, Result, Type, meta::ParseNestedMeta,
};

/// What is to become of what a field names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Clear,
    Remove,
    Qdel,
    Deny,
}

/// What a field is to the derive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It names no entities, or they are to be left alone.
    None,
    /// It names entities, with a policy of its own or that of what it is part of.
    References(Part, Option<Policy>),
}

/// Which part of a field names entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    All,
    /// The keys of a map.
    Keys,
    /// The values of a map.
    Values,
}

impl Part {
    /// Returns the trait by which the part is reached.
    pub(crate) fn trait_name(self) -> &'static str {
        match self {
            Self::All => "References",
            Self::Keys => "KeyReferences",
            Self::Values => "ValueReferences",
        }
    }
}

impl Policy {
    /// Returns the variant of the public enum.
    pub(crate) fn variant(self) -> &'static str {
        match self {
            Self::Clear => "Clear",
            Self::Remove => "Remove",
            Self::Qdel => "Qdel",
            Self::Deny => "Deny",
        }
    }
}

impl Mark {
    /// Reads the attributes of `field`.
    ///
    /// # Errors
    ///
    /// Refuses attributes that make no sense, and a field of entities without a mark.
    pub(crate) fn of(field: &Field) -> Result<Self> {
        let mut is_marked = false;
        let mut is_ignored = false;
        let (mut part, mut policy) = (None, None);
        for attribute in &field.attrs {
            if attribute.path().is_ident("entities") {
                is_marked = true;
            } else if attribute.path().is_ident("references") {
                is_marked = true;
                if matches!(attribute.meta, syn::Meta::Path(_)) {
                    continue;
                }
                attribute.parse_nested_meta(|meta| {
                    match Wish::parse(&meta)? {
                        Wish::Ignore => is_ignored = true,
                        Wish::Part(wish) => {
                            if part.replace(wish).is_some() {
                                return Err(meta.error("write `keys` or `values` once; a map of which both name entities needs neither"));
                            }
                        }
                        Wish::Policy(wish) => {
                            if policy.replace(wish).is_some() {
                                return Err(meta.error("a field has one policy; leave one of them"));
                            }
                        }
                    }
                    Ok(())
                })?;
            }
        }
        if is_ignored {
            return Ok(Self::None);
        }
        match (is_marked, part.unwrap_or(Part::All)) {
            (true, part) => {
                let clears = matches!(policy, None | Some(Policy::Clear));
                if clears && is_bare_entity(&field.ty) {
                    return Err(Error::new_spanned(
                        &field.ty,
                        "a bare `Entity` cannot be emptied; write `Option<Entity>`, or say what becomes of it: \
                         `#[references(remove)]` removes the component, `#[references(qdel)]` deletes \
                         its entity too, `#[references(deny)]` refuses the deletion",
                    ));
                }
                Ok(Self::References(part, policy))
            }
            (false, _) if names_entities(&field.ty) => Err(Error::new_spanned(
                &field.ty,
                "this field names entities and is not declared; mark it with `#[entities]`, or with \
                 `#[references]` where Bevy cannot map it, or leave it alone with `#[references(ignore)]`",
            )),
            (false, _) => Ok(Self::None),
        }
    }
}

/// Returns `true` if Bevy is to map a field.
pub(crate) fn is_mapped(field: &Field) -> bool {
    let mut attributes = field.attrs.iter();
    attributes.any(|attribute| attribute.path().is_ident("entities"))
}

/// What stands in the brackets of `#[references(..)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Policy(Policy),
    Part(Part),
    Ignore,
}

impl Wish {
    fn parse(meta: &ParseNestedMeta) -> Result<Self> {
        let known = [
            ("clear", Self::Policy(Policy::Clear)),
            ("remove", Self::Policy(Policy::Remove)),
            ("qdel", Self::Policy(Policy::Qdel)),
            ("deny", Self::Policy(Policy::Deny)),
            ("keys", Self::Part(Part::Keys)),
            ("values", Self::Part(Part::Values)),
            ("ignore", Self::Ignore),
        ];
        let wish = known.iter().find(|(name, _)| meta.path.is_ident(name));
        wish.map(|(_, wish)| *wish).ok_or_else(|| {
            meta.error(
                "there is no such policy; write `clear`, `remove`, `qdel`, `deny`, `keys`, `values`, or `ignore`",
            )
        })
    }
}

/// Returns `true` if a type is `Entity` and nothing else, by its name.
fn is_bare_entity(ty: &Type) -> bool {
    last_ident(ty).is_some_and(|ident| ident == "Entity")
}

/// Returns `true` if a type names entities, by its name.
fn names_entities(ty: &Type) -> bool {
    const NAMES: [&str; 5] = [
        "Entity",
        "EntityHashMap",
        "EntityHashSet",
        "EntityIndexMap",
        "EntityIndexSet",
    ];
    match ty {
        Type::Array(array) => names_entities(&array.elem),
        Type::Group(group) => names_entities(&group.elem),
        Type::Paren(paren) => names_entities(&paren.elem),
        Type::Reference(reference) => names_entities(&reference.elem),
        Type::Slice(slice) => names_entities(&slice.elem),
        Type::Tuple(tuple) => tuple.elems.iter().any(names_entities),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            let is_argument_of_entities = |argument: &GenericArgument| {
                matches!(argument, GenericArgument::Type(ty) if names_entities(ty))
            };
            NAMES.iter().any(|name| last.ident == name)
                || match &last.arguments {
                    // A marker says nothing about values.
                    _ if last.ident == "PhantomData" => false,
                    PathArguments::AngleBracketed(arguments) => {
                        arguments.args.iter().any(is_argument_of_entities)
                    }
                    PathArguments::None | PathArguments::Parenthesized(_) => false,
                }
        }),
        _ => false,
    }
}

fn last_ident(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Group(group) => last_ident(&group.elem),
        Type::Paren(paren) => last_ident(&paren.elem),
        Type::Path(path) => Some(&path.path.segments.last()?.ident),
        _ => None,
    }
}
