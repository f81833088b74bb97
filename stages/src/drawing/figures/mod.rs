//! One builder per subject: parts, proportions and pose of one individual, as thrown by the dice.

mod bicycle;
mod bird;
mod boat;
mod car;
mod cup;
mod dog;
mod dog_face;
mod elephant;
mod fish;
mod flower;
mod giraffe;
mod guitar;
mod horse;
mod house;
mod mushroom;
mod person;
mod portrait;
mod tree;
mod umbrella;

pub(crate) use bicycle::bicycle;
pub(crate) use bird::bird;
pub(crate) use boat::boat;
pub(crate) use car::car;
pub(crate) use cup::cup;
pub(crate) use dog::dog;
pub(crate) use elephant::elephant;
pub(crate) use fish::fish;
pub(crate) use flower::flower;
pub(crate) use giraffe::giraffe;
pub(crate) use guitar::guitar;
pub(crate) use horse::horse;
pub(crate) use house::house;
pub(crate) use mushroom::mushroom;
pub(crate) use person::person;
pub(crate) use tree::tree;
pub(crate) use umbrella::umbrella;
