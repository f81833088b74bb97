//! A value that fits most types, for what is missing or wrong while the rest is looked at.

use indexmap::IndexMap;
use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, VariantAccess, Visitor};

use super::DecodeError;
use super::decode::Map;
use super::gaps::Gaps;

/// Gives whatever is asked for: 1, 0.5, a letter, nothing, an empty list, the first choice. In maps there is what the
/// gaps below it make up.
#[derive(Clone, Copy)]
pub(super) struct StandIn<'a>(pub(super) &'a Gaps);

macro_rules! gives {
    ($($method:ident: $visit:ident($value:expr),)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            visitor.$visit($value)
        })*
    };
}

impl<'de> Deserializer<'de> for StandIn<'_> {
    type Error = DecodeError;

    gives! {
        deserialize_bool: visit_bool(false),
        deserialize_i8: visit_i8(1),
        deserialize_i16: visit_i16(1),
        deserialize_i32: visit_i32(1),
        deserialize_i64: visit_i64(1),
        deserialize_i128: visit_i128(1),
        deserialize_u8: visit_u8(1),
        deserialize_u16: visit_u16(1),
        deserialize_u32: visit_u32(1),
        deserialize_u64: visit_u64(1),
        deserialize_u128: visit_u128(1),
        deserialize_f32: visit_f32(0.5),
        deserialize_f64: visit_f64(0.5),
        deserialize_char: visit_char('x'),
        deserialize_str: visit_str("x"),
        deserialize_string: visit_str("x"),
        deserialize_identifier: visit_str("x"),
        deserialize_bytes: visit_bytes(b"x"),
        deserialize_byte_buf: visit_bytes(b"x"),
        deserialize_seq: visit_seq(SeqDeserializer::new(std::iter::empty::<u8>())),
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_map(Map::new(IndexMap::new().iter(), Some(self.0)))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(FirstChoice(variants.first().copied().unwrap_or_default(), self))
    }

    serde::forward_to_deserialize_any! { unit unit_struct tuple tuple_struct ignored_any }
}

/// The first choice of an enum, with a stand-in for what it holds.
struct FirstChoice<'a>(&'static str, StandIn<'a>);

impl<'de, 'a> EnumAccess<'de> for FirstChoice<'a> {
    type Error = DecodeError;
    type Variant = StandIn<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, StandIn<'a>), DecodeError> {
        let name: StrDeserializer<'_, DecodeError> = StrDeserializer::new(self.0);
        Ok((seed.deserialize(name)?, self.1))
    }
}

impl<'de> VariantAccess<'de> for StandIn<'_> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_map(visitor)
    }
}
