-- A row for each location, product and week: groups, target and features, named as in model.yaml.
SELECT
    location,
    product_id,
    week,
    price,
    promotion,
    units
FROM demand
ORDER BY location, product_id, week
