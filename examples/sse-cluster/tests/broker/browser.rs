//! The page in a real browser, by keyboard. Its stream continues at another node.
//!
//! To save a picture of the page:
//! `SCREENSHOT=page.png cargo test -p sse-cluster --test broker -- browser`

use std::io::{Read, Write, stderr};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use rustix::process::Signal;
use serde_json::{Value, json};
use swim_driver::RuntimeHandle;
use swim_interop::{Child, LIMIT, Missing};
use swim_tokio::Tokio;
use tokio::net::{TcpListener, TcpStream};

use crate::client::{ask, publish};
use crate::process::Process;

/// WebDriver's codes of these keys.
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// A browser, driven by WebDriver (W3C).
struct Browser {
    driver: SocketAddr,
    session: String,
    _process: Child,
}

impl Browser {
    /// Starts a browser, if one is installed.
    async fn start() -> Result<Browser, Missing> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0");
        if Command::new("chromedriver").arg("--version").output().is_err() {
            let (what, remedy) = ("Chromium and its driver", "apt-get install chromium-driver");
            return Err(Missing { what: what.into(), remedy: remedy.into() });
        }
        let process = Child::start(command);
        let started =
            |line: &swim_interop::Line| line.text("text").contains("successfully on port");
        let line = process.lines.find(0, LIMIT, started).expect("it says where it listens");
        let port = line.text("text").trim_end_matches('.').rsplit(' ').next().unwrap_or_default();
        let driver = format!("127.0.0.1:{port}").parse().expect("an address");
        let mut browser = Browser { driver, session: String::new(), _process: process };
        let options =
            json!({ "args": ["--headless=new", "--no-sandbox", "--window-size=900,800"] });
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let session = browser.command(Method::POST, "/session", &wanted).await;
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        Ok(browser)
    }

    async fn command(&self, method: Method, path: &str, body: &Value) -> Value {
        let body = if method == Method::GET {
            Full::default()
        } else {
            Full::new(body.to_string().into())
        };
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        let request = request.body(body).expect("it is a request");
        let runtime = RuntimeHandle::new(Tokio);
        let answering = async {
            let (answer, _moving) = ask(&runtime, self.driver, request).await.expect("an answer");
            answer.into_body().collect().await.expect("it is whole").to_bytes()
        };
        let body = tokio::time::timeout(Duration::from_secs(60), answering).await;
        let answer: Value = serde_json::from_slice(&body.expect("in time")).expect("JSON");
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].clone()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.command(Method::POST, &format!("/session/{}{path}", self.session), &body).await
    }

    /// Presses these keys in turn.
    async fn press(&self, keys: &[&str]) {
        let actions: Vec<Value> = keys
            .iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.post("/actions", json!({ "actions": [keyboard] })).await;
    }

    async fn type_text(&self, text: &str) {
        for letter in text.chars() {
            self.press(&[&letter.to_string()]).await;
        }
    }

    /// Runs JavaScript and returns its result.
    async fn eval(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Waits until this JavaScript returns true.
    async fn wait_for(&self, script: &str) {
        for _ in 0..1200 {
            if self.eval(script).await == json!(true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let text = self.eval("return document.body.innerText").await;
        panic!("it never came true: {script}\n{text}");
    }
}

/// Forwards connections to a node that can be changed, like a load balancer.
async fn balance(listener: TcpListener, to: Arc<Mutex<SocketAddr>>) {
    loop {
        let Ok((mut client, _)) = listener.accept().await else { return };
        let node = *to.lock().expect("nobody panicked");
        tokio::spawn(async move {
            if let Ok(mut node) = TcpStream::connect(node).await {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut node).await;
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_goes_on_at_another_node_and_the_page_needs_no_mouse() {
    let browser = match Browser::start().await {
        Ok(browser) => browser,
        Err(missing) => {
            assert!(missing.skip().is_ok(), "{missing}");
            // Write to standard error directly: the output of macros is hidden in a test that
            // passes.
            let _ = writeln!(stderr(), "SKIPPED: the page in a browser: {missing}");
            return;
        }
    };
    let runtime = RuntimeHandle::new(Tokio);
    let b = Process::start("b", None);
    let mut a = Process::start("a", Some(&b));
    let to = Arc::new(Mutex::new(a.http));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let page = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(balance(listener, Arc::clone(&to)));

    browser.post("/url", json!({ "url": page })).await;
    browser.wait_for("return document.querySelectorAll('#members tr').length === 2").await;
    // Move through channel and token to the button.
    browser.press(&[TAB, TAB, TAB, ENTER]).await;
    browser
        .wait_for("return document.getElementById('state').innerText === 'listening to demo'")
        .await;
    publish(&runtime, b.http, "demo", "one").await.unwrap();
    browser.wait_for("return document.getElementById('events').innerText === 'one'").await;

    // Publish while the load balancer leads to a dead node.
    a.child.signal(Signal::KILL);
    a.child.wait_for_end();
    publish(&runtime, b.http, "demo", "two").await.unwrap();
    *to.lock().unwrap() = b.http;
    let both =
        r"return document.getElementById('events').innerText.split(/\n+/).join() === 'one,two'";
    browser.wait_for(both).await;

    // Move through the event's kind to the text.
    browser.press(&[TAB, TAB]).await;
    browser.type_text("three").await;
    browser.press(&[ENTER]).await;
    browser.wait_for("return document.getElementById('events').innerText.endsWith('three')").await;
    let focus = "return getComputedStyle(document.activeElement).outlineStyle !== 'none'";
    assert_eq!(browser.eval(focus).await, json!(true), "it shows where the keyboard is");
    if let Some(file) = std::env::var_os("SCREENSHOT") {
        let path = format!("/session/{}/screenshot", browser.session);
        let picture = browser.command(Method::GET, &path, &Value::Null).await;
        let bytes = Base64::decode_vec(picture.as_str().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
}

impl Drop for Browser {
    /// Ends the browser, which would outlive its driver, also if the test fails.
    fn drop(&mut self) {
        let end = format!(
            "DELETE /session/{} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n",
            self.session
        );
        if let Ok(mut driver) = std::net::TcpStream::connect(self.driver)
            && driver.write_all(end.as_bytes()).is_ok()
        {
            // The driver answers once the browser is gone.
            let _ = driver.set_read_timeout(Some(Duration::from_secs(10)));
            let _ = driver.read(&mut [0]);
        }
    }
}
