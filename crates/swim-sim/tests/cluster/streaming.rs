//! On a faulty network, a reliable message on a stream arrives whole and once, or its sender learns
//! that it may not have arrived.

use core::time::Duration;

use proptest::prelude::*;
use swim_core::{Answer, Event};
use swim_sim::{Latency, Pieces, WorldOptions, millis, secs};

fn pieces() -> impl Strategy<Value = Pieces> {
    prop_oneof![Just(Pieces::Whole), Just(Pieces::Bytes), (1_u32..3000).prop_map(Pieces::Random)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_reliable_message_arrives_whole_and_once(
        seed: u64,
        payload in prop::collection::vec(any::<u8>(), 0..20_000),
        pieces in pieces(),
        loss in 0.0..0.4_f64,
        latency_max in 1_u64..60,
        cut_after in prop::option::of(0_u64..300),
    ) {
        let mut world = WorldOptions::new(seed)
            .latency(Latency::Uniform(Duration::ZERO, millis(latency_max)))
            .pieces(pieces)
            .build();
        world.form(2);
        world.set_loss(loss);
        let request = world
            .request("n0", |node, now| node.send_reliable(now, "n1", &payload))
            .expect("n1 is a member");
        if let Some(after) = cut_after {
            world.run(millis(after));
            world.cut(&["n0"], &["n1"]);
            world.run(secs(2));
            world.heal();
        }
        world.run(secs(60));
        let received: Vec<_> = world
            .events("n1")
            .iter()
            .filter_map(|record| match &record.event {
                Event::Message { payload, reliable: true, .. } => Some(payload),
                _ => None,
            })
            .collect();
        prop_assert!(received.len() <= 1);
        prop_assert!(received.iter().all(|received| received[..] == payload[..]));
        match world.answer(request) {
            Some(Ok(answer)) => {
                prop_assert_eq!(answer, &Answer::Delivered);
                prop_assert_eq!(received.len(), 1);
            }
            Some(Err(_)) => {}
            None => prop_assert!(false, "no answer"),
        }
    }
}
