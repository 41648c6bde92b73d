//! Members that announce another node's address, or an unused one.

use core::net::SocketAddr;

use super::{Course, Stage};
use crate::dice::Dice;
use crate::swarm::run::Run;

impl Run {
    pub(super) fn go_on_with_address(&mut self, course: &mut Course) {
        if let Stage::Misplaced(host) = core::mem::replace(&mut course.stage, Stage::Waiting) {
            return self.put_right(host, &mut course.dice);
        }
        let dice = &mut course.dice;
        let (one, other) = (dice.below(self.labels.len()), dice.below(self.labels.len()));
        let own = self.world.hosts[one].address;
        let announced = match dice.below(4) {
            // A mistake in a settings file, ...
            0 => SocketAddr::from(([192, 0, 2, 1], own.port())),
            // ... a port that is not forwarded, ...
            1 => SocketAddr::new(own.ip(), 9),
            // ... or a file copied to another machine.
            _ if one != other => self.world.hosts[other].address,
            _ => SocketAddr::from(([192, 0, 2, 2], own.port())),
        };
        self.restart_at(one, announced, dice);
        self.seen.add(course.kind.as_str(), 1);
        course.stage = Stage::Misplaced(one);
        course.due = Some(self.world.now() + self.lasts(&mut course.dice));
    }

    /// Restarts a node with its real address.
    pub(super) fn put_right(&mut self, host: usize, dice: &mut Dice) {
        let address = self.world.hosts[host].address;
        if self.exists(host) {
            self.restart_at(host, address, dice);
        } else {
            // Its next start uses the right settings.
            self.world.hosts[host].config.address = address;
        }
    }

    fn restart_at(&mut self, host: usize, announced: SocketAddr, dice: &mut Dice) {
        let other = dice.below(self.labels.len());
        let label = &self.labels[host];
        self.world.note(format_args!("{label} announces {announced} from now on"));
        self.world.restart_anyhow(label, |config| config.address = announced);
        self.join(host, other);
    }
}
