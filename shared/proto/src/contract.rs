//! What the contracts declare about each method, read once at start from the descriptors.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use crate::{
    Resource,
    binding::{self, Binding},
};
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, MessageDescriptor, MethodDescriptor,
    ReflectMessage as _, Value,
};

/// Who may call a method, as its `access` option says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anybody; there is no caller.
    Public,
    /// Any signed-in person, for their own data.
    SelfOnly,
    /// The holder of a permission (its bit), of a link with that verb, or of either.
    Granted { permission: Option<Permission>, link: Option<&'static str> },
    /// The named services; `without_caller` when no assertion is needed.
    Internal { services: Vec<&'static str>, without_caller: bool },
}

/// A permission by name and bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// As in `crm.leads.read`.
    pub name: &'static str,
    /// Its line in `permissions.txt`, from 0.
    pub bit: u16,
}

/// One RPC of the mesh.
#[derive(Debug)]
pub struct Method {
    /// `/devsphere.crm.v1.LeadService/GetLead`.
    pub path: &'static str,
    /// The module that serves it, as in `crm`.
    pub module: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Has no effect (`idempotency_level = NO_SIDE_EFFECTS`): reads in a read-only transaction.
    pub reads: bool,
    /// The answer is never stored.
    pub secret_answer: bool,
    /// What a browser keeps of it.
    pub cookie: Cookie,
    /// Answers with a stream.
    pub streams: bool,
    /// The request has a `request_id`.
    pub repeatable: bool,
    /// Where it lies in REST.
    pub bindings: Vec<Binding>,
    /// The descriptor, for whoever works by reflection.
    pub descriptor: MethodDescriptor,
}

/// Where a method has to do with the refresh token that a browser keeps in a cookie.
#[derive(Debug, Clone)]
pub struct Cookie {
    /// The field of the request that is filled from it.
    pub request: Option<FieldDescriptor>,
    /// The field of the answer that moves there.
    pub answer: Option<FieldDescriptor>,
    /// The cookie is gone afterwards.
    pub clears: bool,
}

/// A module: a package of contracts with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Module {
    /// As in `crm`.
    pub name: &'static str,
    /// Its bit in the set of modules in which a caller sees every record.
    pub bit: u32,
}

/// What is wrong with the contracts; stops the start-up.
#[derive(Debug, thiserror::Error)]
pub enum BadContract {
    /// The descriptor set does not decode.
    #[error("descriptors: {0}")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    /// A method says nothing, or too much, about who may call it.
    #[error("{method}: {problem}")]
    Method { method: String, problem: String },
}

/// Everything the contracts declare.
#[derive(Debug)]
pub struct Contract {
    pool: DescriptorPool,
    methods: HashMap<&'static str, &'static Method>,
    modules: BTreeMap<&'static str, Module>,
    permissions: Vec<&'static str>,
    resources: Vec<Resource>,
}

static CONTRACT: LazyLock<Result<Contract, BadContract>> =
    LazyLock::new(|| Contract::read(crate::DESCRIPTORS, crate::PERMISSIONS));

impl Contract {
    /// The contracts of this build, read once.
    ///
    /// # Errors
    /// The first method that declares no access, or a permission without a number.
    pub fn get() -> Result<&'static Self, &'static BadContract> {
        CONTRACT.as_ref()
    }

    /// Reads a descriptor set; the parts live as long as the process.
    ///
    /// # Errors
    /// As [`Contract::get`].
    pub fn read(descriptors: &[u8], permissions: &'static str) -> Result<Self, BadContract> {
        let pool = DescriptorPool::decode(descriptors)?;
        let mut contract = Self {
            methods: HashMap::new(),
            modules: BTreeMap::new(),
            permissions: permissions.lines().collect(),
            resources: Vec::new(),
            pool: pool.clone(),
        };
        for service in pool.services().filter(|service| ours(service.full_name())) {
            let module = module(&service)?;
            contract.modules.insert(module.name, module);
            for method in service.methods() {
                let method = contract.method_of(method, module)?;
                contract.methods.insert(method.path, Box::leak(Box::new(method)));
            }
        }
        let methods: Vec<_> = contract.methods().collect();
        let messages = pool.all_messages().filter(|message| ours(message.full_name()));
        let resources = messages.map(|message| Resource::of(message, &methods));
        contract.resources =
            resources.filter_map(Result::transpose).collect::<Result<_, BadContract>>()?;
        Ok(contract)
    }

    /// The method at an HTTP/2 path.
    pub fn method(&self, path: &str) -> Option<&'static Method> {
        self.methods.get(path).copied()
    }

    /// Every method, by path.
    pub fn methods(&self) -> impl Iterator<Item = &'static Method> {
        let mut methods: Vec<_> = self.methods.values().copied().collect();
        methods.sort_by_key(|method| method.path);
        methods.into_iter()
    }

    /// Every module, by name.
    pub fn modules(&self) -> impl Iterator<Item = Module> {
        self.modules.values().copied()
    }

    /// Every permission's name; the place is the bit.
    pub fn permissions(&self) -> &[&'static str] {
        &self.permissions
    }

    /// A permission by name.
    pub fn permission(&self, name: &str) -> Option<Permission> {
        let bit = self.permissions.iter().position(|known| *known == name)?;
        Some(Permission { name: self.permissions[bit], bit: u16::try_from(bit).ok()? })
    }

    /// Every kind of record that clients name.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The kind of record of a collection, as in `crm/leads`.
    pub fn resource(&self, collection: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.collection == collection)
    }

    /// The descriptors, for whoever works by reflection.
    pub const fn pool(&self) -> &DescriptorPool {
        &self.pool
    }

    fn method_of(&self, method: MethodDescriptor, module: Module) -> Result<Method, BadContract> {
        let bad =
            |problem: String| BadContract::Method { method: method.full_name().into(), problem };
        let access = self.access(&method).map_err(bad)?;
        let bindings = binding::of(&method).map_err(bad)?;
        let options = method.options();
        let reads = options
            .get_field_by_name("idempotency_level")
            .is_some_and(|level| level.as_enum_number() == Some(1));
        let flag = |name| option(&options, name).is_some_and(|v| v.as_bool() == Some(true));
        let cookie = Cookie {
            request: refresh_cookie(&method.input()),
            answer: refresh_cookie(&method.output()),
            clears: flag("clear_cookie"),
        };
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        Ok(Method {
            path: path.leak(),
            module: module.name,
            access,
            reads,
            secret_answer: flag("secret_answer"),
            cookie,
            streams: method.is_server_streaming(),
            repeatable: method.input().get_field_by_name("request_id").is_some(),
            bindings,
            descriptor: method,
        })
    }

    fn access(&self, method: &MethodDescriptor) -> Result<Access, String> {
        let declared = option(&method.options(), "access");
        let Some(access) = declared.as_ref().and_then(|value| value.as_message()) else {
            return Err("declares no access".into());
        };
        let flag = |name: &str| {
            access.get_field_by_name(name).is_some_and(|value| value.as_bool() == Some(true))
        };
        let text = |name: &str| {
            let value = access.get_field_by_name(name);
            value
                .and_then(|value| value.as_str().map(str::to_owned))
                .filter(|text| !text.is_empty())
        };
        let services: Vec<&'static str> = access
            .get_field_by_name("internal")
            .and_then(|value| {
                let list = value.as_list()?.iter();
                Some(list.filter_map(|name| Some(&*name.as_str()?.to_owned().leak())).collect())
            })
            .unwrap_or_default();
        let permission = text("permission")
            .map(|name| {
                self.permission(&name).ok_or_else(|| format!("{name} is not in permissions.txt"))
            })
            .transpose()?;
        let link = text("link").map(|verb| &*verb.leak());

        let granted = permission.is_some() || link.is_some();
        match (flag("public"), flag("self"), granted, services.is_empty()) {
            (true, false, false, true) => Ok(Access::Public),
            (false, true, false, true) => Ok(Access::SelfOnly),
            (false, false, true, true) => Ok(Access::Granted { permission, link }),
            (false, false, false, false) => {
                Ok(Access::Internal { services, without_caller: flag("without_caller") })
            }
            _ => Err("declares no access, or several kinds of it".into()),
        }
    }
}

/// The field that holds a refresh token.
fn refresh_cookie(message: &MessageDescriptor) -> Option<FieldDescriptor> {
    message.fields().find(|field| {
        let marked = option(&field.options(), "refresh_cookie");
        marked.is_some_and(|value| value.as_bool() == Some(true))
    })
}

fn ours(name: &str) -> bool {
    name.starts_with("devsphere.")
}

fn module(service: &prost_reflect::ServiceDescriptor) -> Result<Module, BadContract> {
    let bad = |problem: &str| BadContract::Method {
        method: service.full_name().into(),
        problem: problem.into(),
    };
    let file = service.parent_file();
    let name =
        file.package_name().split('.').nth(1).ok_or_else(|| bad("has no module"))?.to_owned();
    let bit = option(&file.options(), "module").and_then(|value| value.as_u32());
    Ok(Module { name: name.leak(), bit: bit.ok_or_else(|| bad("its file has no module number"))? })
}

/// The value of one of our options, if it is set.
pub fn option(options: &DynamicMessage, name: &str) -> Option<Value> {
    let full = format!("devsphere.options.v1.{name}");
    let field = options.descriptor().extensions().find(|field| field.full_name() == full)?;
    options.has_extension(&field).then(|| options.get_extension(&field).into_owned())
}
