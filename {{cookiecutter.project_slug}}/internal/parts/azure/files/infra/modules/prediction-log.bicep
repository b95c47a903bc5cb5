// The prediction log in Cosmos DB: an item for each prediction, entered by identities alone.
param accountName string
param database string
param container string
param location string
param project string

resource account 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' = {
  // checkov:skip=CKV_AZURE_99: hosted CI and people reach it from the internet; every request needs a token of Entra ID
  // checkov:skip=CKV_AZURE_101: hosted CI and people reach it from the internet; every request needs a token of Entra ID
  name: accountName
  location: location
  tags: {
    project: project
  }
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: [
      {
        name: 'EnableServerless'
      }
    ]
    locations: [
      {
        locationName: location
        failoverPriority: 0
      }
    ]
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: 'Enabled'
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: {
        tier: 'Continuous7Days'
      }
    }
  }
}

resource sqlDatabase 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2024-11-15' = {
  parent: account
  name: database
  properties: {
    resource: {
      id: database
    }
  }
}

resource predictions 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2024-11-15' = {
  parent: sqlDatabase
  name: container
  properties: {
    resource: {
      id: container
      partitionKey: {
        kind: 'Hash'
        paths: [
          '/model'
        ]
      }
    }
  }
}

output accountName string = account.name
output endpoint string = account.properties.documentEndpoint
