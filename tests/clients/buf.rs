//! `buf curl` in its three protocols: gRPC, which asks the mesh for the types by reflection, and
//! gRPC-Web and Connect over HTTP/1.1, which get them from the gateway as a file.

use std::{fs, path::PathBuf, process::Command};

use serde_json::{Deserializer, Value};

use super::{
    journey::{Client, Method, Refusal, travel},
    up::{Folder, Up, run, tool},
};

struct Buf {
    address: String,
    protocol: &'static str,
    /// The types; without it, the mesh is asked.
    schema: Option<PathBuf>,
    token: Option<String>,
}

impl Client for Buf {
    fn hold(&mut self, access_token: String) {
        self.token = Some(access_token);
    }

    fn call(&self, method: Method, body: &Value) -> Result<Value, Refusal> {
        let mut answers = self.stream(method, body)?;
        assert_eq!(answers.len(), 1);
        Ok(answers.remove(0))
    }

    fn stream(&self, (service, method): Method, body: &Value) -> Result<Vec<Value>, Refusal> {
        let mut command = Command::new(tool("buf"));
        command.args(["curl", "--protocol", self.protocol, "--data", &body.to_string()]);
        match &self.schema {
            Some(file) => command.arg("--schema").arg(file),
            None => command.arg("--http2-prior-knowledge"),
        };
        if let Some(token) = &self.token {
            command.args(["--header", &format!("authorization: Bearer {token}")]);
        }
        command.arg(format!("http://{}/{service}/{method}", self.address));
        let answer = run(&mut command).map_err(|told| refusal(&told))?;
        Ok(Deserializer::from_str(&answer).into_iter().collect::<Result<_, _>>().unwrap())
    }
}

fn refusal(told: &str) -> Refusal {
    Refusal::of_bytes(&serde_json::from_str(told).expect(told))
}

#[test]
fn buf_curl_makes_the_journey_in_grpc_grpc_web_and_connect() {
    let folder = Folder::fresh();
    let up = Up::start(&folder.0, &["--demo"]);
    let manager = up.demo("manager");

    let buf = |protocol, schema| Buf { address: up.address(), protocol, schema, token: None };
    travel(&mut buf("grpc", None), &manager);

    let schema = folder.0.join("descriptor.binpb");
    let url = format!("http://{}/api/descriptor.binpb", up.address());
    let file = Command::new("curl").args(["--silent", "--fail", &url]).output().unwrap();
    assert!(file.status.success());
    fs::write(&schema, file.stdout).unwrap();
    travel(&mut buf("grpcweb", Some(schema.clone())), &manager);
    travel(&mut buf("connect", Some(schema)), &manager);
}
