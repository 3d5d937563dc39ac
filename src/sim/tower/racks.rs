//! Racks, chassis ("bricks") and the places of nodes in them: made and moved by tasks (api-cloudtower §10).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    denied::{Denied, Outcome},
    tables::Table,
    tasks::{Change, NewTask, Resource},
    visit::{Visit, with_task},
};

#[derive(Debug, Serialize, Deserialize)]
pub struct Rack {
    #[serde(default)]
    pub id: String,
    pub name: String,
    /// Rack units.
    pub height: i64,
    pub cluster_id: String,
    pub zone_topo_id: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Brick {
    #[serde(default)]
    pub id: String,
    pub name: String,
    pub height: i64,
    pub position: i64,
    pub cluster_id: String,
    pub rack_topo_id: Option<String>,
    pub capacity: Option<Place>,
    #[serde(default)]
    pub tag_position_in_brick: Option<Vec<Value>>,
}

/// A row and a column; also how many of each a chassis has.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub row: Option<i64>,
    pub column: Option<i64>,
}

/// Where a node sits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Slot {
    pub brick_topo_id: Option<String>,
    pub place: Option<Place>,
}

impl Brick {
    pub fn move_to(&mut self, rack: Option<String>, position: i64) {
        self.rack_topo_id = rack;
        self.position = position;
    }

    fn units(&self) -> std::ops::Range<i64> {
        self.position..self.position + self.height
    }
}

/// `POST create-rack-topo`.
pub fn create_rack(visit: &mut Visit<'_>) -> Outcome {
    visit.refuse_filters("brick_topoes")?;
    visit.each(|visit, mut rack: Rack| {
        visit.connected(&rack.cluster_id)?;
        visit.row(Table::ZoneTopoes, &rack.zone_topo_id)?;
        if rack.height < 1 || rack.name.is_empty() {
            return Err(Denied::bad("a rack needs a name and a height"));
        }
        rack.id = visit.state.new_cuid(visit.now);
        let task = NewTask::creating(visit, &format!("Create rack {}", rack.name), "RackTopo", &rack.id);
        let (id, task) = (rack.id.clone(), visit.start_task(task));
        visit.state.ledger.racks.entry(rack.name.clone()).or_default().add(visit.now);
        visit.state.tower.racks.push(rack);
        Ok(with_task(Some(&task), &visit.row(Table::RackTopoes, &id)?))
    })
}

/// `POST create-brick-topo`.
pub fn create_brick(visit: &mut Visit<'_>) -> Outcome {
    visit.refuse_filters("node_topoes")?;
    visit.each(|visit, mut brick: Brick| {
        visit.connected(&brick.cluster_id)?;
        visit.fits(brick.rack_topo_id.as_deref(), brick.units(), "")?;
        brick.id = visit.state.new_cuid(visit.now);
        let task =
            NewTask::creating(visit, &format!("Create chassis {}", brick.name), "BrickTopo", &brick.id);
        let (id, task) = (brick.id.clone(), visit.start_task(task));
        visit.state.ledger.chassis.entry(brick.name.clone()).or_default().add(visit.now);
        visit.state.tower.bricks.push(brick);
        Ok(with_task(Some(&task), &visit.row(Table::BrickTopoes, &id)?))
    })
}

#[derive(Deserialize)]
struct BrickMove {
    #[serde(rename = "where")]
    filter: Value,
    data: BrickPlace,
}

#[derive(Deserialize)]
struct BrickPlace {
    rack_topo_id: Option<String>,
    position: i64,
}

/// `POST move-brick-topo`: one chassis, with everything in it.
pub fn move_brick(visit: &mut Visit<'_>) -> Outcome {
    let BrickMove { filter, data } = visit.read()?;
    let ids = visit.selected(Table::BrickTopoes, &filter)?;
    let [id] = ids.as_slice() else { return Err(Denied::bad("where must select one chassis")) };
    visit.free_row(Table::BrickTopoes, id)?;
    let bricks = &visit.state.tower.bricks;
    let Some(brick) = bricks.iter().find(|brick| brick.id == *id) else {
        return Err(Denied::missing("no such chassis"));
    };
    let rack = data.rack_topo_id.or_else(|| brick.rack_topo_id.clone());
    visit.fits(rack.as_deref(), data.position..data.position + brick.height, id)?;
    let name = brick.name.clone();
    visit.state.ledger.moves.entry(name).or_default().add(visit.now);
    let task = visit.start_task(NewTask {
        change: Change::MoveBrick(id.clone(), rack, data.position),
        ..NewTask::ordinary(visit, "Move chassis", Resource::new("BrickTopo", id, "UPDATE"))
    });
    Ok(Value::Array(vec![with_task(Some(&task), &visit.row(Table::BrickTopoes, id)?)]))
}

#[derive(Deserialize)]
struct NodeMove {
    #[serde(rename = "where")]
    filter: NodeKey,
    data: NodeData,
}

#[derive(Deserialize)]
struct NodeKey {
    id: Option<String>,
    local_id: Option<String>,
}

#[derive(Deserialize)]
struct NodeData {
    brick_topo_id: Option<String>,
    position: Option<Place>,
}

/// `POST move-node-topo`: an array, one entry per node.
pub fn move_nodes(visit: &mut Visit<'_>) -> Outcome {
    visit.each(|visit, moved: NodeMove| {
        let nodes = visit.state.rows(Table::NodeTopoes, visit.now);
        let mut nodes = nodes.iter();
        let key = &moved.filter;
        let found = match (&key.id, &key.local_id) {
            (Some(id), None) => nodes.find(|node| node["id"] == id.as_str()),
            (None, Some(id)) => nodes.find(|node| node["local_id"] == id.as_str()),
            _ => return Err(Denied::bad("where takes either id or local_id")),
        };
        let node = found.ok_or_else(|| Denied::missing("no such node"))?;
        let id = node["id"].as_str().unwrap_or_default();
        if let Some(brick) = &moved.data.brick_topo_id {
            visit.seat(brick, id, moved.data.position)?;
        }
        let name = node["name"].as_str().unwrap_or_default().to_owned();
        visit.state.ledger.moves.entry(name).or_default().add(visit.now);
        let slot = Slot { brick_topo_id: moved.data.brick_topo_id, place: moved.data.position };
        let task = visit.start_task(NewTask {
            change: Change::MoveNode(id.to_owned(), slot),
            ..NewTask::ordinary(visit, "Move node", Resource::new("NodeTopo", id, "UPDATE"))
        });
        Ok(with_task(Some(&task), &visit.row(Table::NodeTopoes, id)?))
    })
}

impl Visit<'_> {
    /// Moving things in by filter while creating is documented, but nothing here needs it.
    fn refuse_filters(&self, name: &str) -> Result<(), Denied> {
        let items = self.body.as_array().map_or(std::slice::from_ref(&self.body), Vec::as_slice);
        if items.iter().any(|item| item.get(name).is_some()) {
            return Err(Denied::bad(format!("{name} is not simulated: move them afterwards")));
        }
        Ok(())
    }

    /// Whether a chassis of these units fits into a rack, itself aside. Whether the lowest unit is called 0
    /// or 1 is undocumented: both are inside.
    fn fits(&self, rack: Option<&str>, units: std::ops::Range<i64>, itself: &str) -> Result<(), Denied> {
        let Some(rack) = rack else { return Ok(()) };
        let row = self.row(Table::RackTopoes, rack)?;
        if !self.state.async_status(self.now, rack).is_null() {
            return Err(Denied::locked(rack, "RackTopo"));
        }
        let height = row["height"].as_i64().unwrap_or(0);
        if units.is_empty() || units.start < 0 || units.end > height + 1 {
            return Err(Denied::bad("the chassis is not inside the rack"));
        }
        let mut others = self.state.tower.bricks.iter().filter(|brick| brick.id != itself);
        let overlaps = |brick: &Brick| {
            let other = brick.units();
            brick.rack_topo_id.as_deref() == Some(rack) && other.start < units.end && units.start < other.end
        };
        match others.find(|brick| overlaps(brick)) {
            Some(brick) => Err(Denied::bad(format!("the chassis overlaps with {}", brick.name))),
            None => Ok(()),
        }
    }

    /// Whether a node can sit there: the chassis is free to use, the place inside it, nobody in it.
    fn seat(&self, brick: &str, node: &str, place: Option<Place>) -> Result<(), Denied> {
        self.row(Table::BrickTopoes, brick)?;
        if !self.state.async_status(self.now, brick).is_null() {
            return Err(Denied::locked(brick, "BrickTopo"));
        }
        let capacity =
            self.state.tower.bricks.iter().find(|one| one.id == brick).and_then(|one| one.capacity);
        let (rows, columns) = capacity.map_or((1, 1), |c| (c.row.unwrap_or(1), c.column.unwrap_or(1)));
        let Some(Place { row: Some(row), column: Some(column) }) = place else {
            return Err(Denied::bad("position needs a row and a column"));
        };
        if !(0..=rows).contains(&row) || !(0..=columns).contains(&column) {
            return Err(Denied::bad("the position is outside the chassis"));
        }
        let taken = self.state.tower.slots.iter().any(|(other, slot)| {
            other != node && slot.brick_topo_id.as_deref() == Some(brick) && slot.place == place
        });
        if taken { Err(Denied::bad("another node sits there")) } else { Ok(()) }
    }
}
