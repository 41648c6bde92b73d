//! The definitions in the files of a crate: functions, and enough of types to resolve calls.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit;

use crate::source::Source;
use crate::test_code::{attributes, is_test};

/// The functions and types of a crate. A type is identified by its name alone.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    /// The files that define a method, by type and name.
    pub(crate) methods: BTreeMap<(String, String), BTreeSet<String>>,
    /// The files that define a free function, by name.
    pub(crate) functions: BTreeMap<String, BTreeSet<String>>,
    /// The types of fields, by type and name.
    pub(crate) fields: BTreeMap<(String, String), String>,
    /// The return type of a method, by type and name.
    pub(crate) returns: BTreeMap<(String, String), String>,
    /// The types that have methods or fields here.
    pub(crate) types: BTreeSet<String>,
}

impl Definitions {
    pub(crate) fn of(sources: &[&Source]) -> Self {
        let mut definitions = Definitions::default();
        for source in sources {
            let mut reader = Reader { path: &source.path, of: None, definitions: &mut definitions };
            source.items().iter().for_each(|item| reader.visit_item(item));
        }
        definitions
    }

    /// Returns the files that define a method of this name, on any type.
    pub(crate) fn anywhere(&self, method: &str) -> BTreeSet<String> {
        let of = self.methods.iter().filter(|((_, name), _)| name == method);
        of.flat_map(|(_, files)| files.iter().cloned()).collect()
    }
}

/// Returns the name of a type, or of the type inside a reference or a wrapper of one value.
pub(crate) fn name_of(of: &syn::Type, own: Option<&str>) -> Option<String> {
    match of {
        syn::Type::Reference(reference) => name_of(&reference.elem, own),
        syn::Type::Paren(inner) => name_of(&inner.elem, own),
        syn::Type::Group(inner) => name_of(&inner.elem, own),
        syn::Type::Path(path) => {
            let last = path.path.segments.last()?;
            let name = last.ident.to_string();
            match name.as_str() {
                "Self" => own.map(str::to_owned),
                "Option" | "Box" | "Rc" | "Arc" | "Result" | "RefCell" | "Cow" => {
                    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else {
                        return None;
                    };
                    arguments.args.iter().find_map(|argument| match argument {
                        syn::GenericArgument::Type(inner) => name_of(inner, own),
                        _ => None,
                    })
                }
                _ => Some(name),
            }
        }
        _ => None,
    }
}

struct Reader<'a> {
    path: &'a str,
    /// The type of the methods that follow.
    of: Option<String>,
    definitions: &'a mut Definitions,
}

impl Reader<'_> {
    fn method(&mut self, signature: &syn::Signature) {
        let Some(of) = self.of.clone() else { return };
        let key = (of.clone(), signature.ident.to_string());
        self.definitions.methods.entry(key.clone()).or_default().insert(self.path.to_owned());
        if let syn::ReturnType::Type(_, returned) = &signature.output
            && let Some(returned) = name_of(returned, Some(&of))
        {
            self.definitions.returns.insert(key, returned);
        }
        self.definitions.types.insert(of);
    }

    fn fields(&mut self, of: &syn::Ident, fields: &syn::Fields) {
        let of = of.to_string();
        for (number, field) in fields.iter().enumerate() {
            let name = field.ident.as_ref().map_or_else(|| number.to_string(), ToString::to_string);
            if let Some(held) = name_of(&field.ty, Some(&of)) {
                self.definitions.fields.insert((of.clone(), name), held);
            }
        }
        self.definitions.types.insert(of);
    }
}

impl<'a> Visit<'a> for Reader<'_> {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if !is_test(attributes(item)) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_struct(&mut self, item: &'a syn::ItemStruct) {
        self.fields(&item.ident, &item.fields);
    }

    fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
        self.definitions.types.insert(item.ident.to_string());
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        let name = item.sig.ident.to_string();
        self.definitions.functions.entry(name).or_default().insert(self.path.to_owned());
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        let before = core::mem::replace(&mut self.of, name_of(&item.self_ty, None));
        syn::visit::visit_item_impl(self, item);
        self.of = before;
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        let before = self.of.replace(item.ident.to_string());
        syn::visit::visit_item_trait(self, item);
        self.of = before;
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.method(&item.sig);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        self.method(&item.sig);
    }
}
