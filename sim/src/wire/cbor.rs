//! RPC v2 CBOR: values on the wire, and the operation in the path.

use bytes::Bytes;
use minicbor::data::{Tag, Type};
use minicbor::decode::Error as Malformed;
use minicbor::{Decoder, Encoder};
use serde_json::{Map, Number, Value};

/// Members that hold times. In JSON they are numbers of seconds; CBOR tags them.
const TIMES: [&str; 6] = [
    "AlarmConfigurationUpdatedTimestamp",
    "StateTransitionedTimestamp",
    "StateUpdatedTimestamp",
    "Timestamp",
    "Timestamps",
    "StartTime",
];
/// The tag of a time in seconds since 1970.
const EPOCH: Tag = Tag::new(1);
/// How deep values may be nested; AWS's shapes are far from it.
const DEEPEST: u8 = 32;

/// Reads the one value that a body holds; an empty body is an empty structure.
pub(super) fn read(body: &Bytes) -> Result<Map<String, Value>, String> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    let mut decoder = Decoder::new(body);
    match value(&mut decoder, DEEPEST).map_err(|e| e.to_string())? {
        Value::Object(input) if decoder.position() == body.len() => Ok(input),
        _ => Err("the body is not one structure".to_owned()),
    }
}

fn value(decoder: &mut Decoder<'_>, depth: u8) -> Result<Value, Malformed> {
    let Some(depth) = depth.checked_sub(1) else { return Err(Malformed::message("nested too deep")) };
    Ok(match decoder.datatype()? {
        Type::Bool => decoder.bool()?.into(),
        Type::Null | Type::Undefined => {
            decoder.skip()?;
            Value::Null
        }
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64()?.into(),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => decoder.i64()?.into(),
        Type::F32 => f64::from(decoder.f32()?).into(),
        Type::F64 => decoder.f64()?.into(),
        Type::String | Type::StringIndef => {
            decoder.str_iter()?.collect::<Result<String, _>>().map(Value::String)?
        }
        Type::Array | Type::ArrayIndef => {
            let announced = decoder.array()?;
            let mut items = Vec::new();
            while more(decoder, announced, items.len())? {
                items.push(value(decoder, depth)?);
            }
            Value::Array(items)
        }
        Type::Map | Type::MapIndef => {
            let announced = decoder.map()?;
            let mut fields = Map::new();
            let mut read = 0;
            while more(decoder, announced, read)? {
                let name = decoder.str()?.to_owned();
                fields.insert(name, value(decoder, depth)?);
                read += 1;
            }
            Value::Object(fields)
        }
        Type::Tag => {
            decoder.tag()?;
            value(decoder, depth)?
        }
        other => return Err(Malformed::type_mismatch(other)),
    })
}

/// Whether a list or map goes on; the end of one whose length was not announced is taken.
fn more(decoder: &mut Decoder<'_>, announced: Option<u64>, read: usize) -> Result<bool, Malformed> {
    if let Some(announced) = announced {
        return Ok(u64::try_from(read).is_ok_and(|read| read < announced));
    }
    let ends = decoder.datatype()? == Type::Break;
    if ends {
        decoder.skip()?;
    }
    Ok(!ends)
}

/// Writes a value.
pub(super) fn write(output: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    if output.is_null() {
        put(&mut encoder, &Value::Object(Map::new()), false);
    } else {
        put(&mut encoder, output, false);
    }
    encoder.into_writer()
}

fn put(encoder: &mut Encoder<Vec<u8>>, value: &Value, time: bool) {
    // A vector takes whatever is written to it.
    let written = match value {
        Value::Null => encoder.null().map(drop),
        Value::Bool(flag) => encoder.bool(*flag).map(drop),
        Value::Number(number) => number_of(encoder, number, time),
        Value::String(text) => encoder.str(text).map(drop),
        Value::Array(items) => {
            let begun = encoder.array(items.len() as u64).map(drop);
            items.iter().for_each(|item| put(encoder, item, time));
            begun
        }
        Value::Object(fields) => {
            let begun = encoder.map(fields.len() as u64).map(drop);
            for (name, field) in fields {
                drop(encoder.str(name).map(drop));
                put(encoder, field, TIMES.contains(&name.as_str()));
            }
            begun
        }
    };
    drop(written);
}

fn number_of(
    encoder: &mut Encoder<Vec<u8>>,
    number: &Number,
    time: bool,
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    if time {
        encoder.tag(EPOCH)?.f64(number.as_f64().unwrap_or_default())?;
        return Ok(());
    }
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => encoder.i64(whole)?,
        (None, Some(real)) => encoder.f64(real)?,
        (None, None) => encoder.null()?,
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_again() {
        let given =
            json!({ "A": ["x", 1, -2, 0.5, true, null], "Timestamp": 1_700_000_000, "B": { "C": {} } });
        let read = read(&Bytes::from(write(&given))).unwrap();
        assert_eq!(Value::Object(read)["A"], given["A"]);
    }

    #[test]
    fn times_carry_their_tag() {
        let body = write(&json!({ "Timestamp": 5 }));
        let mut decoder = Decoder::new(&body);
        assert_eq!((decoder.map().unwrap(), decoder.str().unwrap()), (Some(1), "Timestamp"));
        assert_eq!((decoder.tag().unwrap(), decoder.f64().unwrap()), (EPOCH, 5.0));
    }

    #[test]
    fn lengths_that_are_not_announced_and_broken_bodies_are_told_apart() {
        let open = [0xbf, 0x61, b'a', 0x9f, 0x01, 0xff, 0xff];
        assert_eq!(Value::Object(read(&Bytes::from(open.to_vec())).unwrap()), json!({ "a": [1] }));
        for broken in [&[0xbf][..], &[0x01], &[0xa1, 0x61], &[0x81; 64]] {
            assert!(read(&Bytes::from(broken.to_vec())).is_err(), "{broken:?}");
        }
    }
}
