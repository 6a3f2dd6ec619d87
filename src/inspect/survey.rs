//! What values of a type can hold, by its `TypeInfo`.

use core::any::TypeId;
use std::collections::BTreeSet;

use bevy_ecs::{
    component::ComponentId,
    entity::{Entity, EntityGeneration, EntityIndex},
};
use bevy_reflect::{
    GenericInfo, OpaqueInfo, Type, TypeInfo, TypeRegistry, UnnamedField, enums::VariantInfo,
};

use crate::{hash::HashSet, weak::WeakEntity};

/// What values of a type can hold.
pub(crate) struct Survey<'r> {
    registry: Option<&'r TypeRegistry>,
    seen: HashSet<TypeId>,
    /// Whether they can hold an entity that reflection finds.
    pub(crate) holds: bool,
    /// The places that reflection cannot look into and the paths of their types, each type once.
    pub(crate) opaque: Vec<(String, &'static str)>,
}

impl<'r> Survey<'r> {
    /// Surveys a type, and the types of all its parts.
    pub(crate) fn of(info: &'static TypeInfo, registry: Option<&'r TypeRegistry>) -> Self {
        let mut survey = Self {
            registry,
            seen: HashSet::default(),
            holds: false,
            opaque: Vec::new(),
        };
        survey.part(Some(info), "");
        survey
    }

    fn part(&mut self, info: Option<&'static TypeInfo>, path: &str) {
        let Some(info) = info else {
            // The type is unknown until there is a value.
            self.holds = true;
            return;
        };
        if !self.seen.insert(info.type_id()) {
            return;
        }
        if info.is::<Entity>() || info.is::<WeakEntity>() || info.is::<BTreeSet<Entity>>() {
            self.holds = true;
            return;
        }
        match info {
            TypeInfo::Struct(info) => {
                for field in info.iter() {
                    self.part(field.type_info(), &format!("{path}.{}", field.name()));
                }
            }
            TypeInfo::TupleStruct(info) if is_transparent(info.ty()) => {
                for field in info.iter() {
                    self.part(field.type_info(), path);
                }
            }
            TypeInfo::TupleStruct(info) => self.fields(info.iter(), path),
            TypeInfo::Tuple(info) => self.fields(info.iter(), path),
            TypeInfo::List(info) => self.part(info.item_info(), &format!("{path}[..]")),
            TypeInfo::Array(info) => self.part(info.item_info(), &format!("{path}[..]")),
            TypeInfo::Map(info) => {
                self.part(info.key_info(), &format!("{path}[key ..]"));
                self.part(info.value_info(), &format!("{path}[value ..]"));
            }
            TypeInfo::Set(info) => {
                let registry = self.registry;
                let item = registry.and_then(|all| all.get_type_info(info.value_ty().id()));
                self.part(item, &format!("{path}[..]"));
            }
            TypeInfo::Enum(info) => {
                let is_option = is_transparent(info.ty());
                for variant in info.iter() {
                    let path = match is_option {
                        true => path.to_owned(),
                        false => format!("{path}::{}", variant.name()),
                    };
                    match variant {
                        VariantInfo::Struct(variant) => {
                            for field in variant.iter() {
                                self.part(field.type_info(), &format!("{path}.{}", field.name()));
                            }
                        }
                        VariantInfo::Tuple(variant) if is_option => {
                            variant
                                .iter()
                                .for_each(|field| self.part(field.type_info(), &path));
                        }
                        VariantInfo::Tuple(variant) => self.fields(variant.iter(), &path),
                        VariantInfo::Unit(_) => {}
                    }
                }
            }
            TypeInfo::Opaque(info) => {
                if !self.is_harmless(info) {
                    self.opaque.push((path.to_owned(), info.type_path()));
                }
            }
        }
    }

    fn fields<'a>(&mut self, fields: impl Iterator<Item = &'a UnnamedField>, path: &str) {
        for (index, field) in fields.enumerate() {
            self.part(field.type_info(), &format!("{path}.{index}"));
        }
    }

    /// Returns `true` if an opaque type is known to hold no entity.
    fn is_harmless(&self, info: &OpaqueInfo) -> bool {
        if is_simple(info.ty()) {
            return true;
        }
        // The type parameters are all that these crates do not know.
        let crates = [
            "alloc",
            "bevy_platform",
            "core",
            "foldhash",
            "glam",
            "smol_str",
            "std",
            "uuid",
        ];
        let is_of_these = info
            .ty()
            .crate_name()
            .is_some_and(|name| crates.contains(&name));
        is_of_these
            && info.generics().iter().all(|generic| match generic {
                GenericInfo::Type(parameter) => self.is_parameter_harmless(parameter.ty()),
                GenericInfo::Const(_) => true,
            })
    }

    fn is_parameter_harmless(&self, parameter: &Type) -> bool {
        let registry = self.registry;
        let info = registry.and_then(|all| all.get_type_info(parameter.id()));
        match info {
            Some(info) => {
                let survey = Survey::of(info, registry);
                !survey.holds && survey.opaque.is_empty()
            }
            None => is_simple(parameter),
        }
    }
}

/// Returns `true` if a type takes no step of a path, as in the paths of declared references. That
/// is an `Option`, or one of Bevy's maps and sets of entities, which wrap another one.
pub(crate) fn is_transparent(of: &Type) -> bool {
    let (Some(name), Some(module)) = (of.ident(), of.module_path()) else {
        return false;
    };
    let is_option = name == "Option" && module == "core::option";
    is_option || (name.starts_with("EntityEquivalent") && module.starts_with("bevy_ecs::entity"))
}

/// Returns `true` if a type is a number, a text, or the like.
fn is_simple(of: &Type) -> bool {
    let known = [
        TypeId::of::<&'static str>(),
        TypeId::of::<ComponentId>(),
        TypeId::of::<EntityGeneration>(),
        TypeId::of::<EntityIndex>(),
    ];
    // Types without a crate are primitive types and others that are built into the language.
    let is_primitive = of.crate_name().is_none() && of.path().chars().all(char::is_alphanumeric);
    is_primitive || known.contains(&of.id())
}
