//! Applications use their node's runtime.

use std::future::pending;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use swim_driver::{Elapsed, RuntimeHandle};

use crate::alone::wait_for_copies_of_sockets;
use crate::case::{Case, case};
use crate::scene::Scene;
use crate::wait::{in_time, until};

pub(crate) const CASES: &[Case] = &[
    case!(applications_connect_to_each_other),
    case!(a_port_of_an_application_is_taken_until_its_listener_is_gone),
    case!(time_passes_for_an_application),
    case!(a_task_ends_with_its_handle_and_one_that_was_detached_does_not),
    case!(random_numbers_are_not_the_same),
];

async fn runtime(scene: &Scene) -> RuntimeHandle {
    scene.node("a").await.cluster.runtime()
}

fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

async fn applications_connect_to_each_other(scene: &Scene) {
    let node = scene.node("a").await;
    let runtime = node.cluster.runtime();
    let mut listener = runtime.listen(any_port()).unwrap();
    let address = listener.local_address();
    let answering = runtime.spawn(async move {
        let (mut connection, from) = listener.accept().await.unwrap();
        let mut question = Vec::new();
        connection.read_to_end(&mut question).await.unwrap();
        connection.write_all(&question).await.unwrap();
        connection.close().await.unwrap();
        from
    });
    let mut connection = in_time("it connects", runtime.connect(address)).await.unwrap();
    let question = vec![7; 1 << 20];
    connection.write_all(&question).await.unwrap();
    connection.close().await.unwrap();
    let mut answer = Vec::new();
    in_time("it is answered", connection.read_to_end(&mut answer)).await.unwrap();
    assert!(answer == question, "{} bytes come back", answer.len());
    assert_eq!(answering.await.unwrap().ip(), address.ip());
}

async fn a_port_of_an_application_is_taken_until_its_listener_is_gone(scene: &Scene) {
    let node = scene.node("a").await;
    let runtime = node.cluster.runtime();
    let listener = runtime.listen(any_port()).unwrap();
    let address = listener.local_address();
    assert_eq!(runtime.listen(address).unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(listener);
    wait_for_copies_of_sockets();
    drop(runtime.listen(address).unwrap());
    wait_for_copies_of_sockets();
    let refusal = in_time("it is refused", runtime.connect(address)).await;
    assert_eq!(refusal.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

async fn time_passes_for_an_application(scene: &Scene) {
    let runtime = runtime(scene).await;
    let (start, moment) = (runtime.now(), Duration::from_millis(20));
    in_time("it sleeps", runtime.sleep(moment)).await;
    assert!(runtime.now() - start >= moment);
    in_time("the time is there", runtime.sleep_until(start)).await;
    assert_eq!(runtime.timeout(moment, pending::<()>()).await, Err(Elapsed));
    assert_eq!(runtime.timeout(Duration::MAX, async { 7 }).await, Ok(7));
}

async fn a_task_ends_with_its_handle_and_one_that_was_detached_does_not(scene: &Scene) {
    let node = scene.node("a").await;
    let runtime = node.cluster.runtime();
    let held = Arc::new(());
    let [kept, dropped] = [Arc::clone(&held), Arc::clone(&held)];
    let hold = async |it: Arc<()>| {
        let _it = it;
        pending::<()>().await;
    };
    runtime.spawn(hold(kept)).detach();
    drop(runtime.spawn(hold(dropped)));
    until("one has ended", || Arc::strong_count(&held) == 2).await;
    assert_eq!(runtime.spawn(async { 7 }).await, Ok(7));
    assert_eq!(Arc::strong_count(&held), 2);
}

async fn random_numbers_are_not_the_same(scene: &Scene) {
    let runtime = runtime(scene).await;
    assert_ne!(runtime.random(), runtime.random());
}
