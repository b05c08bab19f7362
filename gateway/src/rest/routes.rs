//! Which method a verb and a path mean.

use std::collections::{BTreeSet, HashMap};

use devsphere_proto::{Access, Binding, Contract, Method, ROOT};

/// Every way of REST to a method, by the first segment below the root.
pub(crate) struct Routes(HashMap<String, Vec<Route>>);

struct Route {
    method: &'static Method,
    binding: &'static Binding,
}

/// A method, and what the path says of its request.
pub(crate) struct Found {
    pub(crate) method: &'static Method,
    pub(crate) binding: &'static Binding,
    /// By field.
    pub(crate) values: Vec<(&'static str, String)>,
}

impl Routes {
    pub(crate) fn new(contract: &'static Contract) -> Self {
        let mut routes: HashMap<String, Vec<Route>> = HashMap::new();
        let public =
            contract.methods().filter(|method| !matches!(method.access, Access::Internal { .. }));
        for method in public {
            for binding in &method.bindings {
                let shape = binding.template.shape();
                let first = first(&shape);
                let first = if first == "*" { "" } else { first };
                routes.entry(first.to_owned()).or_default().push(Route { method, binding });
            }
        }
        for routes in routes.values_mut() {
            // The plainer of two that fit is the one that is meant.
            routes.sort_by_key(|route| std::cmp::Reverse(route.binding.template.plainness()));
        }
        Self(routes)
    }

    /// # Errors
    /// The verbs that the path knows, if it knows others; nothing if nobody knows the path.
    pub(crate) fn find(&self, verb: &str, path: &str) -> Result<Found, Option<String>> {
        let mut others = BTreeSet::new();
        let near = [first(path), ""].into_iter().filter_map(|first| self.0.get(first)).flatten();
        for Route { method, binding } in near {
            let Some(values) = binding.template.values(path) else { continue };
            if binding.verb == verb {
                return Ok(Found { method, binding, values });
            }
            others.insert(binding.verb);
        }
        let others = others.into_iter().collect::<Vec<_>>().join(", ");
        Err((!others.is_empty()).then_some(others))
    }
}

/// The segment below the root, without a verb.
fn first(path: &str) -> &str {
    let below = path.strip_prefix(ROOT).unwrap_or_default();
    below.split(['/', ':']).next().unwrap_or_default()
}
