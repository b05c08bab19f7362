//! A mesh with people in it, and every RPC made ready to be called, by what its contract says.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
};

use bytes::Bytes;
use devsphere_auth::{Kind, PermissionSet, Role, Subject};
use devsphere_boot::{Channel, Module};
use devsphere_proto::{Access, Contract, Method};
use devsphere_testkit::{World, organization};
use prost::Message as _;
use prost_reflect::DynamicMessage;
use sqlx::{Executor as _, PgConnection};
use tonic::Code;
use uuid::Uuid;

use super::{
    colleague,
    fill::{Filler, Known},
    model::Model,
    needs::{self, Needs},
    wire::{Answer, Door, Refusal, call},
};
use crate::{apart::ways::Apart, counts::is_apart};

/// Every module of the mesh; one that is missing here fails the tests by name.
pub const MODULES: [Module; 5] = [
    devsphere_identity::MODULE,
    devsphere_administration::MODULE,
    devsphere_crm::MODULE,
    devsphere_seo::MODULE,
    devsphere_agent::MODULE,
];

/// Whoever is to stand in an organisation comes in by this door.
const SIGN_UP: &str = "/devsphere.identity.v1.SessionService/SignUp";

/// A service that no internal method names.
pub const WRONG_PEER: &str = "nobody";

/// The services, and what was found out about their methods.
pub struct Stage {
    pub world: World,
    pub contract: &'static Contract,
    /// The first who signed up: with the addresses of the examples, so that an example signs in.
    pub founder: Actor,
    channels: BTreeMap<&'static str, Channel>,
    pub(super) admin: tokio::sync::Mutex<PgConnection>,
    turn: Cell<usize>,
    ways: RefCell<HashMap<&'static str, Way>>,
    /// The nouns that are being made, so that two that need each other are told.
    making: RefCell<Vec<String>>,
    /// The processes, where the services run apart.
    apart: Option<Apart>,
    _model: Model,
}

/// What a method asks for before it answers: verbs that lead to it, and a mask that it takes.
#[derive(Debug, Clone, Default)]
pub struct Way {
    pub steps: Vec<&'static Method>,
    pub mask: Vec<String>,
}

/// Somebody who signed up, with the ids of what is theirs.
#[derive(Debug, Clone)]
pub struct Actor {
    pub subject: Subject,
    pub records: Known,
    /// Begins every text that they write.
    pub canary: &'static str,
    /// Decides where they submit, and submits where they decide.
    pub colleague: Uuid,
}

/// A request that is answered, once, when its caller sends it.
pub struct Ready {
    pub method: &'static Method,
    pub actor: Actor,
    pub message: DynamicMessage,
}

impl Stage {
    pub async fn start() -> Self {
        let model = Model::start().await;
        if is_apart() {
            let apart = Apart::start_offering(&model.url()).await;
            return Self::of(apart.world(), Some(apart), model).await;
        }
        Self::of(World::tuned(&MODULES, model.offer()).await, None, model).await
    }

    /// The same with every service's SQL counted.
    pub async fn counted() -> Self {
        let model = Model::start().await;
        Self::of(World::counted_and_tuned(&MODULES, model.offer()).await, None, model).await
    }

    async fn of(world: World, apart: Option<Apart>, model: Model) -> Self {
        let contract = Contract::get().unwrap();
        for module in contract.modules() {
            assert!(
                world.endpoints().contains_key(module.name),
                "{} is not in MODULES",
                module.name
            );
        }
        let channel = |name: &&'static str| (*name, world.channel(name));
        let channels = world.endpoints().keys().map(channel).collect();
        let admin = tokio::sync::Mutex::new(world.admin().await);
        let (turn, ways, making) = (Cell::new(0), RefCell::default(), RefCell::default());
        let (records, colleague) = (Known::new(), Uuid::nil());
        let founder = Actor { subject: nobody(), records, canary: "", colleague };
        let mut stage = Self {
            world,
            contract,
            founder,
            channels,
            admin,
            turn,
            ways,
            making,
            apart,
            _model: model,
        };
        stage.founder = stage.sign_up("").await.unwrap();
        stage
    }

    pub fn methods(&self) -> impl Iterator<Item = &'static Method> {
        self.contract.methods()
    }

    /// Whether everybody who calls has a certificate.
    pub const fn is_certified(&self) -> bool {
        self.apart.is_some()
    }

    /// The way to the method's service, without any caller.
    pub fn channel(&self, method: &Method) -> &Channel {
        &self.channels[method.module]
    }

    /// Sends the bytes through that door.
    pub async fn call(&self, method: &Method, door: &Door, body: impl Into<Bytes>) -> Answer {
        match &self.apart {
            Some(apart) => {
                call(&apart.way(door.claimed(), method.module), method, door, body).await
            }
            None => call(self.channel(method), method, door, body).await,
        }
    }

    /// Runs statements of the administrator's: for faults.
    pub async fn plant(&self, sql: &'static str) {
        self.admin.lock().await.execute(sqlx::raw_sql(sql)).await.unwrap();
    }

    /// Sign-ups are taken, guesses forgotten, agents ask the model that is offered, and the first
    /// start's code is the example: what no RPC can arrange.
    pub async fn reset(&self) {
        let code = needs::CODE.replace('-', "");
        let arrange = sqlx::query(
            "with forgotten as (delete from identity.guess), own as (delete from administration.ai_provider)
             update identity.instance set sign_up = 'open', sign_up_chosen = true,
                 admin_code_hash = sha256(convert_to($1, 'UTF8'))",
        );
        self.admin.lock().await.execute(arrange.bind(code)).await.unwrap();
    }

    /// Founds an organisation through the wire.
    ///
    /// # Errors
    /// When sign-up cannot be filled, or is refused.
    pub async fn sign_up(&self, canary: &'static str) -> Result<Actor, String> {
        self.reset().await;
        let method = self.contract.method(SIGN_UP).ok_or("there is no SignUp")?;
        let turn = self.next_turn();
        let message =
            Filler { turn, canary, ..Filler::default() }.fill(&method.descriptor.input())?;
        let answer = self.call(method, &Door::default(), message.encode_to_vec()).await;
        let grant = decode(method, &answer.map_err(|refused| format!("SignUp: {refused}"))?)?;
        let mut records = needs::ids_in(&grant);
        records.retain(|noun, _| ["person", "session", "organization"].contains(&noun.as_str()));
        let id = |noun: &str| -> Uuid { records[noun][0].parse().unwrap() };
        let organization = organization(id("organization"), Some(Role::Ceo));
        let subject = Subject {
            id: id("person"),
            session: Some(id("session")),
            organization: Some(organization),
            ..nobody()
        };
        let colleague = colleague::join(&mut *self.admin.lock().await, id("organization")).await;
        Ok(Actor { subject, records, canary, colleague })
    }

    /// The request, and everything that it stands on.
    ///
    /// # Errors
    /// Why it cannot be filled, or what it was answered when nothing led to an answer.
    pub async fn ready(&self, method: &'static Method, actor: &Actor) -> Result<Ready, String> {
        let way = self.way(method, actor).await?;
        self.along(method, actor, &way, 1).await
    }

    /// The same with `many` items in each list.
    ///
    /// # Errors
    /// As [`Stage::ready`].
    pub async fn ready_many(
        &self,
        method: &'static Method,
        actor: &Actor,
        many: usize,
    ) -> Result<Ready, String> {
        let way = self.way(method, actor).await?;
        self.along(method, actor, &way, many).await
    }

    /// What leads to an answer, found out once by trying.
    ///
    /// # Errors
    /// As [`Stage::ready`].
    pub async fn way(&self, method: &'static Method, actor: &Actor) -> Result<Way, String> {
        let known = self.ways.borrow().get(method.path).cloned();
        if let Some(way) = known {
            return Ok(way);
        }
        let way = self.find_way(method, actor).await?;
        self.ways.borrow_mut().insert(method.path, way.clone());
        Ok(way)
    }

    async fn find_way(&self, method: &'static Method, actor: &Actor) -> Result<Way, String> {
        let mask = self.find_mask(method, actor).await?;
        let mut first = None;
        for steps in needs::ways_to(self.contract, method) {
            let way = Way { steps, mask: mask.clone() };
            let ready = match self.along(method, actor, &way, 1).await {
                Ok(ready) => ready,
                Err(problem) if way.steps.is_empty() => return Err(problem),
                Err(_) => continue,
            };
            let refused = match self.send(&ready).await {
                Ok(_) => return Ok(way),
                Err(refused) if is_too_early(refused.code) => refused,
                Err(refused) if way.steps.is_empty() => return Err(refused.to_string()),
                Err(_) => continue,
            };
            first.get_or_insert(refused);
        }
        Err(first.map(|refused| format!("no way leads there: {refused}")).unwrap_or_default())
    }

    /// The fields that an update takes, by the answers to one at a time.
    async fn find_mask(
        &self,
        method: &'static Method,
        actor: &Actor,
    ) -> Result<Vec<String>, String> {
        let mut taken = Vec::new();
        for field in needs::maskable(method) {
            let way = Way { steps: Vec::new(), mask: vec![field.clone()] };
            let mut ready = self.along(method, actor, &way, 1).await?;
            if let Some(only) = method.descriptor.input().get_field_by_name("validate_only") {
                ready.message.set_field(&only, prost_reflect::Value::Bool(true));
            }
            match self.send(&ready).await {
                Err(refused) if refused.blames("update_mask") => {}
                _ => taken.push(field),
            }
        }
        if taken.is_empty() && !needs::maskable(method).is_empty() {
            return Err("its update_mask takes no field".into());
        }
        Ok(taken)
    }

    async fn along(
        &self,
        method: &'static Method,
        actor: &Actor,
        way: &Way,
        many: usize,
    ) -> Result<Ready, String> {
        // What ends a session or changes a password needs one of its own, and so does what changes
        // something that an organisation has from the start.
        let mut actor = match method.access {
            Access::SelfOnly => self.sign_up(actor.canary).await?,
            _ if self.changes_what_is_given(method, actor) => self.sign_up(actor.canary).await?,
            _ => actor.clone(),
        };
        self.reset().await;
        let needs = Needs::of(method);
        for noun in &needs.by_standing(self.contract) {
            let count = if needs.lists.contains(noun) { many } else { 1 };
            while actor.records.get(noun).is_none_or(|ids| ids.len() < count) {
                let made = Box::pin(self.make(noun, &actor)).await?;
                actor.records.entry(noun.clone()).or_default().push(made);
            }
        }
        for step in &way.steps {
            let mask = match needs::maskable(step).is_empty() {
                true => Vec::new(),
                false => Box::pin(self.way(step, &actor)).await?.mask,
            };
            let message = self.filler(step, &actor, &mask).fill(&step.descriptor.input())?;
            let actor = colleague::sender(step, method, &actor);
            let ready = Ready { method: step, actor, message };
            self.send(&ready).await.map_err(|refused| format!("{}: {refused}", step.path))?;
        }
        let mut filler = Filler { many, ..self.filler(method, &actor, &way.mask) };
        for secret in needs.secrets {
            let value = Box::pin(self.secret(&secret, &actor)).await?;
            filler.secrets.insert(secret, vec![value]);
        }
        let message = filler.fill(&method.descriptor.input())?;
        Ok(Ready { method, actor, message })
    }

    /// Whether it changes a record of a noun that nobody creates: there is no fresh one to change
    /// but in a fresh organisation.
    fn changes_what_is_given(&self, method: &Method, actor: &Actor) -> bool {
        let is_created =
            |noun: &str| self.methods().any(|other| needs::creates(other).as_deref() == Some(noun));
        let noun = needs::record(method).filter(|noun| !actor.records.contains_key(noun));
        !method.reads && noun.is_some_and(|noun| !is_created(&noun))
    }

    fn filler(&self, method: &Method, actor: &Actor, mask: &[String]) -> Filler {
        Filler {
            records: actor.records.clone(),
            creates: needs::creates(method),
            mask: mask.to_vec(),
            turn: self.next_turn(),
            // What a change writes differs from what the create wrote.
            variant: usize::from(!needs::is_create(method)),
            canary: actor.canary,
            ..Filler::default()
        }
    }

    /// A fresh record of that noun, by the Create that answers one; of what nobody creates, one that
    /// a List shows.
    ///
    /// # Errors
    /// When there is neither, or it is refused.
    pub async fn make(&self, noun: &str, actor: &Actor) -> Result<String, String> {
        let makes = |method: &&Method| needs::creates(method).as_deref() == Some(noun);
        let Some(method) = self.methods().find(makes) else {
            return Box::pin(self.found(noun, actor)).await;
        };
        if self.making.borrow().iter().any(|other| other == noun) {
            return Err(format!("a {noun} stands on a {noun}"));
        }
        self.making.borrow_mut().push(noun.to_owned());
        let ready = self.along(method, actor, &Way::default(), 1).await;
        self.making.borrow_mut().pop();
        let answer = self.send(&ready?).await;
        let answer = answer.map_err(|refused| format!("{}: {refused}", method.path))?;
        let ids = needs::ids_in(&decode(method, &answer)?);
        ids.get(noun)
            .and_then(|ids| ids.first())
            .cloned()
            .ok_or_else(|| format!("{} answers no id", method.path))
    }

    async fn found(&self, noun: &str, actor: &Actor) -> Result<String, String> {
        if noun == "approval" {
            colleague::ask(self, actor).await?;
        }
        let lists = |method: &&Method| needs::lists(method).as_deref() == Some(noun);
        let method = self
            .methods()
            .find(lists)
            .ok_or_else(|| format!("no Create answers a {noun}, and no List shows one"))?;
        let answer = self.send(&self.along(method, actor, &Way::default(), 1).await?).await;
        let answer = answer.map_err(|refused| format!("{}: {refused}", method.path))?;
        let known = actor.records.get(noun).map(Vec::as_slice).unwrap_or_default();
        let shown = needs::listed(&decode(method, &answer)?, noun);
        let other = shown.into_iter().find(|id| !known.contains(id));
        other.ok_or_else(|| format!("{} shows no further {noun}", method.path))
    }

    /// A value that some method shows once, fresh.
    async fn secret(&self, name: &str, actor: &Actor) -> Result<String, String> {
        let shown_as = needs::shown_as(name);
        for method in needs::showing(self.contract, shown_as) {
            let Ok(ready) = self.along(method, actor, &Way::default(), 1).await else { continue };
            let Ok(answer) = self.send(&ready).await else { continue };
            let shown = decode(method, &answer)?;
            let text = shown
                .get_field_by_name(shown_as)
                .and_then(|value| value.as_str().map(str::to_owned));
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                return Ok(text);
            }
        }
        Err(format!("nothing shows a {name}"))
    }

    /// Calls it as whoever may.
    pub async fn send(&self, ready: &Ready) -> Answer {
        let door = self.door(ready.method, &ready.actor, &all());
        self.call(ready.method, &door, ready.message.encode_to_vec()).await
    }

    /// The way in that the method's access asks for.
    pub fn door(&self, method: &Method, actor: &Actor, permissions: &PermissionSet) -> Door {
        let assertion = || Door::default().assertion(&self.assertion(actor, permissions));
        match &method.access {
            Access::Public => Door::default(),
            Access::SelfOnly | Access::Granted { .. } => assertion(),
            Access::Internal { services, without_caller: true } => {
                Door::default().peer(services[0])
            }
            Access::Internal { services, .. } => assertion().peer(services[0]),
        }
    }

    /// An assertion of the actor with exactly these permissions.
    pub fn assertion(&self, actor: &Actor, permissions: &PermissionSet) -> String {
        self.assertion_of(&Subject { permissions: permissions.clone(), ..actor.subject.clone() })
    }

    /// An assertion of just that.
    pub fn assertion_of(&self, subject: &Subject) -> String {
        self.world.minter().assertion(subject, now()).unwrap().0
    }

    fn next_turn(&self) -> usize {
        let turn = self.turn.get();
        self.turn.set(turn + 1);
        turn
    }
}

impl Actor {
    /// The id of what is theirs.
    pub fn id(&self, noun: &str) -> &str {
        &self.records[noun][0]
    }
}

/// Whether a verb might come first.
fn is_too_early(code: Code) -> bool {
    matches!(code, Code::FailedPrecondition | Code::NotFound)
}

/// A person whom nobody knows, nowhere.
pub fn nobody() -> Subject {
    Subject {
        kind: Kind::User,
        id: Uuid::now_v7(),
        session: None,
        organization: None,
        client: None,
        permissions: PermissionSet::EMPTY,
    }
}

/// Every permission there is.
pub fn all() -> PermissionSet {
    PermissionSet::matching(&["*"])
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_secs().cast_signed()
}

/// The first message of an answer.
///
/// # Errors
/// When it is not what the contract says.
pub fn decode(method: &Method, answer: &[Bytes]) -> Result<DynamicMessage, String> {
    let bytes = answer.first().ok_or("the stream is empty")?.clone();
    DynamicMessage::decode(method.descriptor.output(), bytes).map_err(|error| error.to_string())
}

/// An answer in one line.
pub fn said(answer: &Answer) -> String {
    answer.as_ref().map_or_else(Refusal::to_string, |_| "OK".into())
}
